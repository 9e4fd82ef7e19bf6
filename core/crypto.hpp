#pragma once
// The primitives, over OpenSSL 3 (libsodium where OpenSSL has none). Algorithms are fetched once; contexts are reused
// per thread. All functions are thread-safe.

#include <initializer_list>

#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace melder {

/// SHA-256 over the concatenation of the parts (which must have fixed or prefixed lengths: see LengthPrefixed).
[[nodiscard]] Hash sha256(std::initializer_list<BytesView> parts);
[[nodiscard]] inline Hash sha256(BytesView bytes) {
    return sha256({bytes});
}

/// RFC 2104 with SHA-256.
[[nodiscard]] ByteArray<32> hmac_sha256(BytesView key, std::initializer_list<BytesView> parts);

/// RFC 5869 with SHA-256, extract and expand. `out` at most 8160 bytes. Info parts are concatenated as they are.
void hkdf_sha256(BytesView ikm, BytesView salt, std::initializer_list<BytesView> info, std::span<Byte> out);

/// 4-byte big-endian length, then the bytes: how every variable-length input enters a hash or a derivation.
[[nodiscard]] Bytes length_prefixed(std::initializer_list<BytesView> parts);

/// RFC 7914. `malformed` if OpenSSL refuses the parameters.
[[nodiscard]] Result<void> scrypt(BytesView passphrase, BytesView salt, std::uint64_t n, std::uint32_t r,
                                  std::uint32_t p, std::span<Byte> out);

// ---- AES-256-GCM (NIST SP 800-38D), 12-byte nonce, 16-byte tag appended --------------------------------------------

using AeadKey = Secret<32, struct AeadKeyTag>;
inline constexpr std::size_t aead_tag_bytes = 16;
inline constexpr std::size_t aead_nonce_bytes = 12;

/// `out` has plaintext.size() + 16 bytes and does not overlap the plaintext.
void aead_seal(const AeadKey& key, std::span<const Byte, 12> nonce, BytesView aad, BytesView plaintext,
               std::span<Byte> out);
[[nodiscard]] Bytes aead_seal(const AeadKey& key, std::span<const Byte, 12> nonce, BytesView aad, BytesView plaintext);
/// `sealed_invalid` if the tag does not verify; then nothing was released.
[[nodiscard]] Result<SecretBuffer> aead_open(const AeadKey& key, std::span<const Byte, 12> nonce, BytesView aad,
                                             BytesView ciphertext);

// ---- X25519 (RFC 7748) ------------------------------------------------------------------------------------------

using X25519Public = Id<struct X25519PublicTag, 32>;
using X25519Private = Secret<32, struct X25519PrivateTag>;
using SharedSecret = Secret<32, struct SharedSecretTag>;
struct X25519KeyPair {
    X25519Public public_key;
    X25519Private private_key;
};
[[nodiscard]] X25519KeyPair generate_x25519(Random& random);
[[nodiscard]] X25519Public x25519_public_of(const X25519Private& private_key);
/// `bad_key` if the result is all zero (a low-order point).
[[nodiscard]] Result<SharedSecret> x25519(const X25519Private& own, const X25519Public& peer);
/// True for the small set of points whose multiples are all zero, in any encoding; and for non-canonical encodings.
[[nodiscard]] bool is_low_order(const X25519Public& key) noexcept;

/// Signal's 33-byte form: 0x05 and the key. Refuses other lengths and types (`bad_key`) and low-order points.
[[nodiscard]] Result<X25519Public> parse_djb_key(BytesView bytes);
[[nodiscard]] ByteArray<33> to_djb_key(const X25519Public& key);

/// XEdDSA verification (signal.org/docs/specifications/xeddsa, 2016) over libsodium's Ed25519; servers verify the
/// identity signature of bindings and prekeys with it and need no libsignal.
[[nodiscard]] Result<void> verify_xeddsa(const X25519Public& key, BytesView message, BytesView signature);
/// XEdDSA with 64 bytes of `random`.
[[nodiscard]] ByteArray<64> sign_xeddsa(const X25519Private& key, BytesView message, Random& random);

// ---- Ed25519 (RFC 8032) ----------------------------------------------------------------------------------------

using Ed25519Public = Id<struct Ed25519PublicTag, 32>;
using Ed25519Seed = Secret<32, struct Ed25519SeedTag>;
[[nodiscard]] Ed25519Public ed25519_public_of(const Ed25519Seed& seed);
[[nodiscard]] ByteArray<64> sign_ed25519(const Ed25519Seed& seed, BytesView message);
[[nodiscard]] Result<void> verify_ed25519(const Ed25519Public& key, BytesView message, BytesView signature);
[[nodiscard]] KeyId key_id_of(const Ed25519Public& key);

// ---- ECDSA P-256 with SHA-256, signatures as 64 bytes r‖s ---------------------------------------------------------

using P256Public = Id<struct P256PublicTag, 65>;  ///< SEC 1 uncompressed
using P256Private = Secret<32, struct P256PrivateTag>;
struct P256KeyPair {
    P256Public public_key;
    P256Private private_key;
};
[[nodiscard]] P256KeyPair generate_p256();
[[nodiscard]] Result<P256Public> p256_public_of(const P256Private& private_key);
[[nodiscard]] Result<ByteArray<64>> sign_p256(const P256Private& key, BytesView message);
/// `bad_key` unless it is an uncompressed point on the curve.
[[nodiscard]] Result<void> check_p256(const P256Public& key);
/// `bad_key` if the point is not on the curve, `bad_signature` if it does not verify. Uses EVP_PKEY_fromdata.
[[nodiscard]] Result<void> verify_p256(const P256Public& key, BytesView message, BytesView signature);

}  // namespace melder
