#pragma once
// Who is at the other end: verifies what a Login, AdminLogin or Enrol signed. No I/O.

#include "core/transcript.hpp"
#include "server/link/session.hpp"

namespace melder::wire {
class Login;
class AdminLogin;
class Enrol;
}  // namespace melder::wire

namespace melder::server {

/// What binds a login to this connection.
struct LoginBinding {
    TlsExporter exporter{};
    std::string hello;  ///< the encoded Hello as sent
};

/// A device or administrator whose signature verified, and what it signed.
struct VerifiedLogin {
    Peer peer;
    std::optional<P256Public> login_key;  ///< of a device
    Bytes body;
    bool unknown = false;  ///< to the store: LoginAuthority::admit first
};

/// What the authority says, or `login_refused` when the signature does not prove the key.
[[nodiscard]] Result<VerifiedLogin> verify_login(LoginAuthority& authority, const LoginBinding& binding,
                                                 const wire::Login& login);
[[nodiscard]] Result<VerifiedLogin> verify_login(LoginAuthority& authority, const LoginBinding& binding,
                                                 const wire::AdminLogin& login);
/// Asks again on the device's home core: between verification and hand-over it may have been revoked.
[[nodiscard]] Result<Peer> judge_again(LoginAuthority& authority, const VerifiedLogin& login);

/// The request's body if the enrolment key signed it.
[[nodiscard]] Result<Bytes> verify_enrolment(LoginAuthority& authority, const LoginBinding& binding,
                                             const wire::Enrol& request);

}  // namespace melder::server
