#pragma once
// What a person or a script reads. Nothing of a message goes anywhere but to standard output.

#include <string>
#include <string_view>

#include "melder/account.hpp"

namespace melder::apps {

enum ExitCode : int { done = 0, failed = 1, wrong_usage = 2, nothing_in_time = 3 };

/// Text of others as a terminal may show it: no escape sequences, no overwriting of lines, no reversed reading; what
/// could do that becomes U+FFFD. Line breaks stay, the next line indented.
[[nodiscard]] std::string harmless(std::string_view text);

// Each without the last line's end.
/// Three lines: name and number, officer, device.
[[nodiscard]] std::string lines_of(const sdk::PeerDevice& device);
/// "10002  Bela Okafor  LKA/K5/K52"
[[nodiscard]] std::string line_of(const sdk::PeerDevice& officer);
/// "Okafor: text"
[[nodiscard]] std::string plain_line_of(const sdk::TextReceived& message);
/// "[14:03] Okafor: text", the time of sending in local time; with the time it expires if that is within a day.
[[nodiscard]] std::string line_of(const sdk::TextReceived& message);
/// "[14:03] "
[[nodiscard]] std::string clock_of(UnixTime time);
/// The digits in three rows, what they cover, what to do with them.
[[nodiscard]] std::string lines_of(const sdk::SafetyNumber& number);

// One JSON object: valid UTF-8, and nothing in it that commands a terminal.
[[nodiscard]] std::string json_of_device(const sdk::PeerDevice& device);
[[nodiscard]] std::string json_of_officer(const sdk::PeerDevice& officer);
[[nodiscard]] std::string json_of(const sdk::TextReceived& message);
[[nodiscard]] std::string json_of(const sdk::Diagnostics& self);
[[nodiscard]] std::string json_of(const sdk::SafetyNumber& number);

/// What a person must know of an event that is neither a message nor progress nor a change of the connection; else
/// empty.
[[nodiscard]] std::string notice_of(const sdk::Event& event);
/// "what is wrong; what to do", with the wait that the other side asked for
[[nodiscard]] std::string sentence(const Error& why);
/// "melder: what is wrong; what to do" on standard error.
int fail(const Error& why);
int misuse(const std::string& sentence);

}  // namespace melder::apps
