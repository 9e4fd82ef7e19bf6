#include "core/text.hpp"

#include <cstdint>

namespace melder {

std::optional<char32_t> take_code_point(std::string_view& text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const std::uint8_t first = byte(0);
    std::size_t length = 0;
    char32_t value = 0;
    char32_t lowest = 0;
    if (first < 0x80) {
        text.remove_prefix(1);
        return first;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2, value = first & 0x1FU, lowest = 0x80;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3, value = first & 0x0FU, lowest = 0x800;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4, value = first & 0x07U, lowest = 0x10000;
    } else {
        return std::nullopt;
    }
    if (text.size() < length) return std::nullopt;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return std::nullopt;
        value = value << 6 | (byte(i) & 0x3FU);
    }
    if (value < lowest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return std::nullopt;
    text.remove_prefix(length);
    return value;
}

namespace {

bool breaks_a_line(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        if (!take_code_point(text)) return false;
    }
    return true;
}

bool is_one_line_of_text(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto c = take_code_point(text);
        if (!c || breaks_a_line(*c)) return false;
    }
    return true;
}

}  // namespace melder
