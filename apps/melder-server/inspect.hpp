#pragma once
// melder-server inspect: what the store of a stopped server holds.

#include "core/clock.hpp"
#include "core/random.hpp"
#include "server/config/server_config.hpp"

namespace melder::apps {

/// Prints to standard output. `store_in_use` while the server runs.
[[nodiscard]] Result<void> inspect(const server::ServerConfig& config, std::size_t limit, bool json, const Clock& clock,
                                   Random& random);

}  // namespace melder::apps
