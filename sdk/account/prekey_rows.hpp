#pragma once
// The prekeys' private halves in the vault, and what is published of them. Lane only.

#include <map>
#include <vector>

#include "proto/prekeys.pb.h"
#include "sdk/account/own_device.hpp"
#include "sdk/account/prekey_logic.hpp"
#include "sdk/crypto/session_store.hpp"

namespace melder::sdk {

/// Makes what the logic asked for, stages it and returns the upload: commit durably before it is sent.
[[nodiscard]] Result<wire::PrekeyUpload> make_prekeys(VaultTransaction& transaction, const OwnKeys& own,
                                                      const MakePrekeys& wanted, Random& random);
/// The server confirmed this signed prekey: the ones before it are replaced as of now.
[[nodiscard]] Result<void> put_signed_prekey_in_use(VaultTransaction& transaction, std::uint32_t id);
/// Its private half and every base key remembered under it.
[[nodiscard]] Result<void> erase_signed_prekey(VaultTransaction& transaction, std::uint32_t id);
[[nodiscard]] Result<std::vector<PrekeyLogic::SignedPrekeyAge>> load_signed_prekey_ages(
    const VaultTransaction& transaction);

/// SHA-256 over the `count` one-time prekeys with the highest ids, ascending: PROTOCOL.md, "Prekeys".
[[nodiscard]] Result<std::optional<Hash>> prekey_digest(const VaultTransaction& transaction, std::uint32_t count);

[[nodiscard]] Result<std::optional<X25519KeyPair>> load_one_time_prekey(const VaultTransaction& transaction,
                                                                        std::uint32_t id);
[[nodiscard]] Result<std::optional<SignedPrekeyPair>> load_signed_prekey(const VaultTransaction& transaction,
                                                                         std::uint32_t id);

}  // namespace melder::sdk
