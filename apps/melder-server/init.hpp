#pragma once
// `melder-server init DIRECTORY`: keys, configuration and the request to the root keys, all at once or not at all.

#include <string>

#include "core/random.hpp"
#include "core/result.hpp"

namespace melder::apps {

struct InitOptions {
    std::string directory;                ///< must not exist, or be empty
    std::string listen = "0.0.0.0:5222";  ///< ADDRESS:PORT
    std::string order_log_copy;           ///< the order log's second place, on another disk: a file
    std::string watch;                    ///< ADDRESS:PORT for /health and /metrics; empty: none
};

/// Writes melder.toml, setup-request and keys/ (mode 0600): TLS keys (current and next), statement key, directory key.
/// `already_exists`, `bad_argument` or `io_error` with a detail; then nothing was left behind.
[[nodiscard]] Result<void> init_server(const InitOptions& options, Random& random);

}  // namespace melder::apps
