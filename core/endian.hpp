#pragma once
// Big-endian integers: the byte order of everything Melder lays out by hand.

#include <concepts>

#include "core/bytes.hpp"

namespace melder {

template <std::unsigned_integral T>
[[nodiscard]] constexpr ByteArray<sizeof(T)> big_endian(T value) noexcept {
    ByteArray<sizeof(T)> out{};
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        out[i] = static_cast<Byte>(value >> (8 * (sizeof(T) - 1 - i)));
    }
    return out;
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr T from_big_endian(std::span<const Byte, sizeof(T)> bytes) noexcept {
    T value = 0;
    for (const Byte b : bytes)
        value = static_cast<T>(value << 8 | b);
    return value;
}

}  // namespace melder
