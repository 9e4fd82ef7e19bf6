#pragma once
// Who this device is. The identity is stored before the server hears of it, so that an enrolment that was cut off is
// repeated with the same keys; `credential` is what makes the device enrolled.

#include "core/credential.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

struct DeviceIdentity {
    EnrolmentId enrolment_id;
    std::uint32_t registration_id = 0;
    X25519KeyPair identity;
    Bytes signed_binding;  ///< encoded; its body and identity signature are sent again when enrolment is repeated
    Bytes credential;      ///< encoded wire::Credential; empty until enrolled
};

/// `not_enrolled` if there is none.
[[nodiscard]] Result<DeviceIdentity> load_identity(const VaultTransaction& transaction);
/// Writes the main row and, into the boot compartment, the enrolment id and the credential's hash.
[[nodiscard]] Result<void> save_identity(VaultTransaction& transaction, const DeviceIdentity& identity);

/// The login key, in the boot compartment: a locked phone still logs in.
[[nodiscard]] Result<P256KeyPair> load_login_key(const VaultTransaction& transaction);
[[nodiscard]] Result<void> save_login_key(VaultTransaction& transaction, const P256KeyPair& key);

}  // namespace melder::sdk
