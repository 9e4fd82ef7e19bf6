#pragma once
// Own prekeys. Ids count up and are never reused; replaced private keys are kept for the TTL and a day more.

#include <vector>

#include "sdk/crypto/session_store.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

/// The next `count` ids, for good: they are spent with this transaction. 1..2^24-2; then `internal`.
[[nodiscard]] Result<std::uint32_t> take_one_time_prekey_ids(VaultTransaction& transaction, std::uint32_t count);
[[nodiscard]] Result<std::uint32_t> take_signed_prekey_id(VaultTransaction& transaction);

[[nodiscard]] Result<void> put_one_time_prekey(VaultTransaction& transaction, std::uint32_t id,
                                               const X25519KeyPair& keys);
[[nodiscard]] Result<std::optional<X25519KeyPair>> find_one_time_prekey(const VaultTransaction& transaction,
                                                                        std::uint32_t id);
[[nodiscard]] Result<void> erase_one_time_prekey(VaultTransaction& transaction, std::uint32_t id);
struct OneTimePrekeyRow {
    std::uint32_t id = 0;
    X25519Public public_key;
    bool replaced = false;
};
[[nodiscard]] Result<std::vector<OneTimePrekeyRow>> load_one_time_prekeys(const VaultTransaction& transaction);
/// Before an upload that replaces all: those held now stay for `ttl` + 1 day.
[[nodiscard]] Result<void> replace_one_time_prekeys(VaultTransaction& transaction, Millis ttl);

/// Makes this one the present signed prekey; the former one, and the base keys remembered for it, stay for `ttl` + 1
/// day.
[[nodiscard]] Result<void> put_signed_prekey(VaultTransaction& transaction, std::uint32_t id,
                                             const SignedPrekeyPair& pair, Millis ttl);
[[nodiscard]] Result<std::optional<SignedPrekeyPair>> find_signed_prekey(const VaultTransaction& transaction,
                                                                         std::uint32_t id);
/// 0 if there is none yet.
[[nodiscard]] Result<std::uint32_t> load_present_signed_prekey_id(const VaultTransaction& transaction);

/// `unknown_prekey` if the signed prekey is gone.
[[nodiscard]] Result<void> remember_base_key(VaultTransaction& transaction, std::uint32_t signed_prekey_id,
                                             const X25519Public& base_key);
[[nodiscard]] Result<bool> knows_base_key(const VaultTransaction& transaction, std::uint32_t signed_prekey_id,
                                          const X25519Public& base_key);

}  // namespace melder::sdk
