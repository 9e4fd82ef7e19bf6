#pragma once
// How a directory search compares names. Text becomes words in which differences that a person who types does not know,
// or cannot type, are gone:
//
//   Müller = Mueller = Muller      ä, ö, ü (also æ, ø, œ) are a, o, u, and so are ae, oe, ue
//   Weiß = Weiss, Renée = renee    ß is ss; other accents of Latin letters fall away, composed or not; case too
//   Müller-Lüdenscheid, O'Brien    two words each: whatever is neither letter nor digit separates
//
// The price is that some different names meet (Bauer and Baur, Joel and Jol). The words of a beginning of a text are
// those of the whole text, the last one perhaps cut short, so "Mu", "Mue" and "Mü" all find Müller.
// Greek and Cyrillic letters lose their case and nothing else; other scripts are compared as they are.

#include <string>
#include <string_view>
#include <vector>

namespace melder::keyserver {

/// In their order, none empty. Bytes that are not UTF-8 separate words.
[[nodiscard]] std::vector<std::string> search_words(std::string_view text);

/// Of a service number or a unit's id, which people write with and without its separators: its words, and all of them
/// in one. "12-3456" is found by 12-34, 3456 and 1234.
[[nodiscard]] std::vector<std::string> search_words_of_code(std::string_view code);

}  // namespace melder::keyserver
