#pragma once
// What a person or a script reads. Nothing of a message goes anywhere but to standard output.

#include <string>
#include <string_view>

#include "melder/message.hpp"

namespace melder::apps {

enum ExitCode : int { done = 0, failed = 1, wrong_usage = 2, nothing_in_time = 3 };

/// Text of others as a terminal may show it: no escape sequences, no overwriting of lines, no reversed reading.
/// Line breaks stay, the next line indented.
[[nodiscard]] std::string harmless(std::string_view text);

void print(const sdk::PeerDevice& device);
/// "10002  Bela Okafor  LKA/K5/K52", without the line's end.
[[nodiscard]] std::string line_of(const sdk::PeerDevice& officer);
void print_line(const sdk::PeerDevice& officer);
void print_json(const sdk::PeerDevice& officer);
void print(const sdk::TextReceived& message);
void print_json(const sdk::TextReceived& message);

/// "[14:03] Okafor: text", the time of sending in local time.
[[nodiscard]] std::string line_of(const sdk::TextReceived& message);
/// What a person must know of an event that is neither a message nor progress nor a change of the connection; else
/// empty.
[[nodiscard]] std::string notice_of(const sdk::Event& event);
/// "what is wrong; what to do", with the wait that the other side asked for
[[nodiscard]] std::string sentence(const Error& why);
/// "melder: what is wrong; what to do" on standard error.
int fail(const Error& why);
int misuse(const std::string& sentence);

}  // namespace melder::apps
