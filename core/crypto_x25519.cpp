// X25519 and Signal's encoding of its keys.
#include <sodium.h>

#include "core/crypto.hpp"

namespace melder {

namespace {

/// p = 2^255 - 19, little-endian.
constexpr ByteArray<32> field_prime = {0xED, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                       0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                       0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F};

/// The canonical u-coordinates of order 1, 2, 4 and 8 on the curve and its twist (cr.yp.to/ecdh.html, "validate").
constexpr ByteArray<32> low_order_points[] = {
    {0},
    {1},
    {0xE0, 0xEB, 0x7A, 0x7C, 0x3B, 0x41, 0xB8, 0xAE, 0x16, 0x56, 0xE3, 0xFA, 0xF1, 0x9F, 0xC4, 0x6A,
     0xDA, 0x09, 0x8D, 0xEB, 0x9C, 0x32, 0xB1, 0xFD, 0x86, 0x62, 0x05, 0x16, 0x5F, 0x49, 0xB8, 0x00},
    {0x5F, 0x9C, 0x95, 0xBC, 0xA3, 0x50, 0x8C, 0x24, 0xB1, 0xD0, 0xB1, 0x55, 0x9C, 0x83, 0xEF, 0x5B,
     0x04, 0x44, 0x5C, 0xC4, 0x58, 0x1C, 0x8E, 0x86, 0xD8, 0x22, 0x4E, 0xDD, 0xD0, 0x9F, 0x11, 0x57},
    {0xEC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F},
};

bool is_canonical(BytesView key) noexcept {
    return std::ranges::lexicographical_compare(key.rbegin(), key.rend(), field_prime.rbegin(), field_prime.rend());
}

}  // namespace

X25519KeyPair generate_x25519(Random& random) {
    auto private_key = random.secret<X25519Private>();
    // Clamped at once (RFC 7748 §5), as Signal's libraries store it, so that both derive the same keys from the bytes.
    const auto bytes = private_key.expose_writable();
    bytes[0] &= 0xF8;
    bytes[31] = static_cast<Byte>((bytes[31] & 0x7FU) | 0x40U);
    const auto public_key = x25519_public_of(private_key);
    return {public_key, std::move(private_key)};
}

// libsodium's ladder takes raw bytes: an OpenSSL key object for a private key computes its public half as well, which
// doubled the cost of a DH.
X25519Public x25519_public_of(const X25519Private& private_key) {
    ByteArray<32> out{};
    crypto_scalarmult_base(out.data(), private_key.expose().data());
    return X25519Public(out);
}

Result<SharedSecret> x25519(const X25519Private& own, const X25519Public& peer) {
    if (is_low_order(peer)) return Errc::bad_key;
    SharedSecret shared;
    // Refuses the all-zero result.
    if (crypto_scalarmult(shared.expose_writable().data(), own.expose().data(), peer.view().data()) != 0)
        return Errc::bad_key;
    return shared;
}

bool is_low_order(const X25519Public& key) noexcept {
    if (!is_canonical(key.view())) return true;
    return std::ranges::any_of(low_order_points, [&](const ByteArray<32>& point) { return equal(point, key.view()); });
}

Result<X25519Public> parse_djb_key(BytesView bytes) {
    if (bytes.size() != 33 || bytes[0] != 0x05) return Errc::bad_key;
    MELDER_TRY(const auto key, X25519Public::from(bytes.subspan(1)));
    if (is_low_order(key)) return Errc::bad_key;
    return key;
}

ByteArray<33> to_djb_key(const X25519Public& key) {
    ByteArray<33> out{0x05};
    std::ranges::copy(key.view(), out.begin() + 1);
    return out;
}

}  // namespace melder
