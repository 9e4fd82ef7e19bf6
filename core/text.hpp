#pragma once
// Checks on text that comes from outside.

#include <optional>
#include <string_view>

namespace melder {

/// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Takes one code point off the front; nullopt, and nothing taken, if the bytes there are not well-formed UTF-8. `text`
/// is not empty.
[[nodiscard]] std::optional<char32_t> take_code_point(std::string_view& text) noexcept;

/// UTF-8 that can be shown on one line: no control characters (C0, DEL, C1), no line or paragraph separators, and none
/// of the directional overrides that make a name read as another one (U+202A–202E, U+2066–2069).
[[nodiscard]] bool is_one_line_of_text(std::string_view text) noexcept;

}  // namespace melder
