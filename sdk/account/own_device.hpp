#pragma once
// This device's own rows in the vault: its keys, its credential, and what it last believed of the servers. Lane only.

#include <memory>
#include <optional>

#include "core/credential.hpp"
#include "core/order_log.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

/// Made once, before the first byte about them leaves: a lost answer to the enrolment finds the same keys again.
struct OwnKeys {
    EnrolmentId device;
    std::uint32_t registration_id = 0;
    X25519KeyPair identity;
    P256Private login;

    [[nodiscard]] static OwnKeys make(const EnrolmentId& device, Random& random);
    [[nodiscard]] Result<Binding> binding() const;
};

[[nodiscard]] Result<void> put_own_keys(VaultTransaction& transaction, const OwnKeys& keys);
/// Nothing before the first enrolment was tried. Needs both compartments.
[[nodiscard]] Result<std::optional<OwnKeys>> load_own_keys(const VaultTransaction& transaction);

/// Credential into the main compartment (it holds a name), its hash beside the enrolment id in the boot compartment.
[[nodiscard]] Result<void> put_own_credential(VaultTransaction& transaction, const Credential& credential);
[[nodiscard]] Result<std::optional<SecretBuffer>> load_own_credential(const VaultTransaction& transaction);

[[nodiscard]] Result<void> put_trust_list(VaultTransaction& transaction, const TrustList& trust);
/// Verified again under the pinned roots: `vault_unreadable` if it no longer is.
[[nodiscard]] Result<std::shared_ptr<const TrustList>> load_trust_list(const VaultTransaction& transaction,
                                                                       const RootSet& roots);

[[nodiscard]] Result<void> put_store_epoch(VaultTransaction& transaction, const StoreEpoch& epoch);
[[nodiscard]] Result<StoreEpoch> load_store_epoch(const VaultTransaction& transaction);  ///< zero: none met yet

[[nodiscard]] Result<void> put_order_book(VaultTransaction& transaction, const OrderBook& book);
[[nodiscard]] Result<OrderBook> load_order_book(const VaultTransaction& transaction);

}  // namespace melder::sdk
