#pragma once
// `melder-server keys show` and `keys next`: the TLS key and the statement key in use and the next one of each, which
// the trust list names already.

#include <filesystem>
#include <optional>

#include "core/setup_request.hpp"
#include "server/config/server_config.hpp"

namespace melder::apps {

/// keys/tls.crt → keys/tls-next.crt: where the next one rests.
[[nodiscard]] std::filesystem::path next_of(const std::filesystem::path& file);

struct ServerKeys {
    Hash tls, tls_next;
    UnixTime tls_ends;
    Ed25519Public statement;
    std::optional<Ed25519Public> statement_next;  ///< none yet: this server was set up before there were any
    [[nodiscard]] SetupRequest request() const;
};
/// `config_invalid` names the file that is missing or damaged.
[[nodiscard]] Result<ServerKeys> load_keys(const server::ServerConfig& config);

/// The list in the configured file, which a running server keeps at the newest (ServerProcess); null before the first
/// one was signed. `config_invalid` if it does not count under the configured root set.
[[nodiscard]] Result<std::shared_ptr<const TrustList>> load_listed(const server::ServerConfig& config);

/// Where setup-request belongs: beside the configuration.
[[nodiscard]] std::filesystem::path request_file_of(const std::filesystem::path& config_file);

struct TlsKeyChange {
    Hash former;
    ServerKeys keys;
};
/// The next key becomes the one that is shown (from the next SIGHUP or start on), the former one is kept as
/// tls-former.*, a new next one is made, and the setup-request is written anew. Interrupted at any point it is finished
/// by repeating it.
[[nodiscard]] Result<TlsKeyChange> advance_tls_key(const server::ServerConfig& config,
                                                   const std::filesystem::path& config_file);

struct StatementKeyChange {
    bool advanced = false;  ///< false: there was no next key; one was made, to be listed first
    ServerKeys keys;
};
/// The same for the key that signs statements. The former one is gone: nothing is signed by it any more, and the trust
/// list goes on naming it, since bindings are dated by it. `not_allowed` if the list does not name the next key.
[[nodiscard]] Result<StatementKeyChange> advance_statement_key(const server::ServerConfig& config,
                                                               const std::filesystem::path& config_file);

}  // namespace melder::apps
