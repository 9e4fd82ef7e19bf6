#pragma once
// `melder-server keys show` and `keys next`: the TLS key that the server shows and the next one, which the trust list
// pins already.

#include <filesystem>

#include "core/setup_request.hpp"
#include "server/config/server_config.hpp"

namespace melder::apps {

/// keys/tls.crt → keys/tls-next.crt: where the next one rests.
[[nodiscard]] std::filesystem::path next_of(const std::filesystem::path& file);

struct KeyPins {
    Hash current, next;
    Ed25519Public statement_key;
    [[nodiscard]] SetupRequest request() const;
};
/// `config_invalid` names the file that is missing or damaged.
[[nodiscard]] Result<KeyPins> load_pins(const server::ServerConfig& config);

struct KeyChange {
    Hash former;
    KeyPins pins;
    std::filesystem::path request;  ///< where the new setup-request was written
};
/// The next key becomes the one that is shown (from the next SIGHUP or start on), the former one is kept as
/// tls-former.*, a new next one is made, and the setup-request is written anew. Interrupted at any point it is finished
/// by repeating it. `config_file` says where setup-request belongs.
[[nodiscard]] Result<KeyChange> advance_tls_key(const server::ServerConfig& config,
                                                const std::filesystem::path& config_file);

}  // namespace melder::apps
