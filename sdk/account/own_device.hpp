#pragma once
// This device's own state in the vault, as values: its keys and its credential. Lane only.

#include <optional>

#include "core/credential.hpp"
#include "sdk/vault/identity_rows.hpp"

namespace melder::sdk {

/// Made once, before the first byte about them leaves: a lost answer to the enrolment finds the same keys again.
struct OwnDevice {
    DeviceIdentity identity;
    P256KeyPair login;

    /// Fresh keys for the enrolment id, with the binding signed.
    [[nodiscard]] static OwnDevice make(const EnrolmentId& device, const Ed25519Seed& enrolment_seed, Random& random);
    [[nodiscard]] EnrolmentId id() const { return identity.enrolment_id; }
    [[nodiscard]] bool enrolled() const { return !identity.credential.empty(); }
    /// Of the same keys, signed by the code as it was typed this time: an attempt before may have had another second
    /// part.
    [[nodiscard]] Result<SignedBinding> signed_binding(const Ed25519Seed& enrolment_seed) const;
    /// Whether the credential speaks of exactly these keys.
    [[nodiscard]] bool is_certified_by(const Credential& credential) const;
};

[[nodiscard]] Result<void> save_own_device(VaultTransaction& transaction, const OwnDevice& device);
/// Nothing before the first enrolment was tried.
[[nodiscard]] Result<std::optional<OwnDevice>> load_own_device(const VaultTransaction& transaction);

}  // namespace melder::sdk
