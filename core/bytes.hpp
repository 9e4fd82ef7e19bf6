#pragma once
// Byte strings. `Bytes` owns, `BytesView` looks. Neither is for secrets: see secret.hpp.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace melder {

using Byte = std::uint8_t;
using Bytes = std::vector<Byte>;
using BytesView = std::span<const Byte>;
template <std::size_t N>
using ByteArray = std::array<Byte, N>;

/// Protobuf's `bytes` fields are std::string in C++; these two cross over without reinterpret_cast elsewhere.
[[nodiscard]] inline BytesView view(std::string_view text) noexcept {
    return {reinterpret_cast<const Byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_chars(BytesView bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline std::string to_string(BytesView bytes) {
    return std::string(as_chars(bytes));
}
[[nodiscard]] inline Bytes to_bytes(BytesView bytes) {
    return {bytes.begin(), bytes.end()};
}
[[nodiscard]] inline bool equal(BytesView a, BytesView b) noexcept {
    return std::ranges::equal(a, b);
}

/// Exactly N bytes, or `malformed`.
template <std::size_t N>
[[nodiscard]] Result<ByteArray<N>> to_array(BytesView bytes) {
    if (bytes.size() != N) return Errc::malformed;
    ByteArray<N> out;
    std::ranges::copy(bytes, out.begin());
    return out;
}

/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(BytesView bytes);
/// Accepts both cases; anything else is `malformed`.
[[nodiscard]] Result<Bytes> from_hex(std::string_view text);
/// RFC 4648 §4, padded.
[[nodiscard]] std::string to_base64(BytesView bytes);
/// Strict: padding required, no white space, zero trailing bits.
[[nodiscard]] Result<Bytes> from_base64(std::string_view text);

/// Compares in time that depends on the lengths only.
[[nodiscard]] bool equal_constant_time(BytesView a, BytesView b) noexcept;

}  // namespace melder
