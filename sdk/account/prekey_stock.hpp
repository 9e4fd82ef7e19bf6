#pragma once
// What is made of PrekeyLogic's wishes in the vault, and what is published of it. Lane only.

#include <optional>

#include "proto/prekeys.pb.h"
#include "sdk/account/own_device.hpp"
#include "sdk/account/prekey_logic.hpp"

namespace melder::sdk {

/// Makes what the logic asked for, stages it and returns the upload: commit durably before it is sent.
[[nodiscard]] Result<wire::PrekeyUpload> make_prekeys(VaultTransaction& transaction, const OwnDevice& own,
                                                      const MakePrekeys& wanted, Random& random);
/// The present signed prekey; nothing before the first was made.
[[nodiscard]] Result<std::optional<PrekeyLogic::SignedPrekeyAge>> load_signed_prekey_age(
    const VaultTransaction& transaction);

/// SHA-256 over the `count` one-time prekeys with the highest ids, ascending: PROTOCOL.md, "Prekeys". Nothing if there
/// are not so many.
[[nodiscard]] Result<std::optional<Hash>> prekey_digest(const VaultTransaction& transaction, std::uint32_t count);

}  // namespace melder::sdk
