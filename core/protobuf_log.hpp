#pragma once
// protobuf writes to standard error when a text in a message is not UTF-8. That is a stranger's to cause as often as he
// likes, and not for our log: the parser's answer says it already.

namespace melder {

/// From here on protobuf says nothing. Any number of times, from any thread; before the first foreign byte is parsed.
void silence_protobuf();

}  // namespace melder
