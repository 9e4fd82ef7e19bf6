#pragma once
// melder-server run: from the configuration to the signal that ends it.

#include <string>

#include "core/result.hpp"

namespace melder::apps {

/// Prints "melder-server: ready on port N" to standard output, and "melder-server: watched on port N" if it is; with
/// `json` {"ready_on_port":N} and {"watched_on_port":N}. Returns
/// on SIGTERM and SIGINT, after a stop that loses nothing acknowledged. SIGHUP: ServerProcess::reload. An error of the
/// start as ServerProcess::start gives it.
[[nodiscard]] Result<void> run_server(const std::string& config_file, bool restored, bool json);

}  // namespace melder::apps
