#pragma once
// The three messages that prove who a client is, and the bytes they sign. No I/O.

#include "client/link_connection.hpp"
#include "core/transcript.hpp"

namespace melder::client {

/// What ties a login to one connection.
struct LoginBinding {
    TlsExporter exporter{};
    Bytes hello;  ///< as received
};

/// Encoded LoginBody; sign `login_transcript(Context::login, …)` with the login key.
[[nodiscard]] Result<Bytes> login_body(const DeviceLogin& login, std::uint32_t protocol);
[[nodiscard]] wire::AdminLogin make_admin_login(const Ed25519Seed& key, std::uint32_t protocol,
                                                const LoginBinding& binding);
[[nodiscard]] wire::Enrol make_enrol(const EnrolmentId& device, const SignedBinding& signed_binding,
                                     const Ed25519Seed& enrolment_key, std::uint32_t protocol,
                                     const LoginBinding& binding);

}  // namespace melder::client
