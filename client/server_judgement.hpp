#pragma once
// The decision before the first secret leaves: is this the server that the root keys vouch for? No I/O.

#include <memory>
#include <optional>

#include "core/statement.hpp"
#include "core/trust_list.hpp"

namespace melder::client {

/// What a client knows before it connects.
struct ServerTrust {
    RootSet roots;                           ///< pinned
    std::shared_ptr<const TrustList> known;  ///< the newest list this client verified; null before the first contact
    std::uint64_t lowest_version = 0;        ///< the floor out of a verified grant or an enrolment code
};

/// A server that was believed.
struct ServerHello {
    std::shared_ptr<const TrustList> trust;  ///< in force from now on: the newer of the known and the server's
    bool trust_is_new = false;               ///< it came from the server and is newer than `known`: store it
    bool offer_trust = false;                ///< the server's is older: it is handed `trust`
    std::uint32_t protocol = 0;              ///< the version to speak
    std::optional<Statement> statement;      ///< over no nonce: raises floors, sets no time
    std::optional<SignedBytes> statement_document;
    Hash spki;                                 ///< of the connection's certificate key
    std::optional<UnixTime> certificate_ends;  ///< filled in by the connection; nothing is judged by it
    Bytes encoded;                             ///< the Hello as received: part of the login transcript
};

/// `malformed`; the errors of TrustList::verify; `trust_list_too_old` (below the floor), `trust_list_conflict`;
/// `wrong_server_key`; `version_mismatch`. An older but valid list of the server is no error while the client's newer
/// one names the server's key. Expiry is the caller's to judge, who has the time.
[[nodiscard]] Result<ServerHello> judge_server(BytesView hello, const Hash& spki, const ServerTrust& trust);

/// Whether the key may offer this service at all: a relay's key is no keyserver's.
[[nodiscard]] Result<void> judge_services(const ServerHello& hello, bool relay, bool keyserver);

}  // namespace melder::client
