#pragma once
// Crockford's base 32: what people read from paper and say over the phone. Without I, L, O and U; either case is read,
// O as 0, I and L as 1.

#include <optional>
#include <string_view>

namespace melder {

/// 32 characters, five bits each.
inline constexpr std::string_view crockford_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The five bits of a character; nothing for one that is none of them.
[[nodiscard]] constexpr std::optional<unsigned> crockford_value(char c) noexcept {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    const auto at = crockford_alphabet.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<unsigned>(at);
}

}  // namespace melder
