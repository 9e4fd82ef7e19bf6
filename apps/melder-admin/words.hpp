#pragma once
// How this tool names things to people. Values only.

#include <string>
#include <string_view>
#include <vector>

#include "core/credential.hpp"

namespace melder::admin {

/// "2027-11-26", UTC.
[[nodiscard]] std::string date_text(UnixTime time);
/// "2027-11-26 14:05:00 UTC".
[[nodiscard]] std::string time_text(UnixTime time);
/// Whole days from `now` to `end`; negative once it is over.
[[nodiscard]] std::int64_t days_until(UnixTime end, UnixTime now);
/// The first 16 hex digits: what a list shows of a key or pin, and what a command line takes for it.
[[nodiscard]] std::string short_hex(std::string_view hex);
/// "member+leader", as the directory's CSV has it.
[[nodiscard]] std::string roles_text(const std::vector<Role>& roles);
/// 8 to 64 hex digits, in lower case: the beginning of an id. `bad_argument` names the option.
[[nodiscard]] Result<std::string> parse_beginning(std::string_view text, std::string_view option);

}  // namespace melder::admin
