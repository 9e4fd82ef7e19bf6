#pragma once
// What the device believes of servers and of the time, in the boot compartment: readable without the vault key, no name
// in it. Lane only.

#include "sdk/account/account_clock.hpp"
#include "sdk/trust/trust_state.hpp"
#include "sdk/vault/boot_rows.hpp"

namespace melder::sdk {

/// The order book is by far the largest piece and changes the least: it is written when asked for.
enum class TrustRows : std::uint8_t { without_book, all };
[[nodiscard]] Result<void> put_trust(VaultTransaction& transaction, const TrustState& trust, TrustRows rows);
/// The list is verified again under the pinned roots. Nothing before the first contact.
[[nodiscard]] Result<std::optional<TrustState>> load_trust(const VaultTransaction& transaction, const RootSet& roots);

[[nodiscard]] Result<void> put_clock(VaultTransaction& transaction, const AccountClock& clock);
/// Leaves the clock as it is if there is none.
[[nodiscard]] Result<void> load_clock(const VaultTransaction& transaction, AccountClock& clock);

[[nodiscard]] Result<StoreEpoch> load_store_epoch(const VaultTransaction& transaction);  ///< zero: none met yet

}  // namespace melder::sdk
