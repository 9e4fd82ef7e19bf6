#pragma once
// A private key at rest, under a passphrase. 87 bytes:
//
//     "MELDKEY1" ‖ log2 N (1) ‖ r (1) ‖ p (1) ‖ salt (16) ‖ nonce (12) ‖ AES-256-GCM(seed, 32) with its tag (16)
//
// key = scrypt(passphrase, salt, N, r, p), 32 bytes; everything before the ciphertext is authenticated (AAD).

#include <filesystem>

#include "core/crypto.hpp"

namespace melder::admin {

/// What one try costs whoever stole the file. The default takes 128 MiB and about half a second.
struct ScryptCost {
    std::uint8_t log2_n = 17;
    std::uint8_t r = 8;
    std::uint8_t p = 1;
};

[[nodiscard]] Result<Bytes> seal_key(const Ed25519Seed& seed, const SecretBuffer& passphrase, Random& random,
                                     const ScryptCost& cost = {});
/// `malformed` if it is no key file, `wrong_passphrase`. A cost beyond limits::scrypt_memory_bytes is `malformed`.
[[nodiscard]] Result<Ed25519Seed> open_key(BytesView file, const SecretBuffer& passphrase);

/// The same out of a file; errors name it.
[[nodiscard]] Result<Ed25519Seed> load_key(const std::filesystem::path& file, const SecretBuffer& passphrase);

}  // namespace melder::admin
