#pragma once
// The server's TLS key: P-256 with a self-signed certificate that nobody looks at, since clients pin the key's hash.

#include <string>

#include "core/ids.hpp"
#include "core/secret.hpp"

namespace melder::server {

struct TlsIdentity {
    std::string certificate_pem;
    SecretBuffer private_key_pem;  ///< PKCS #8, not encrypted: for a file of mode 0600
    Hash spki_sha256;              ///< the pin in the trust list
};
/// A fresh key; the certificate ends in 100 years, since the trust list is what ends it.
[[nodiscard]] TlsIdentity make_tls_identity();

/// SHA-256 of the DER SubjectPublicKeyInfo of a certificate in PEM; `config_invalid` if it is none.
[[nodiscard]] Result<Hash> spki_sha256_of(std::string_view certificate_pem);

}  // namespace melder::server
