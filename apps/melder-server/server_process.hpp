#pragma once
// The whole server: relay and keyserver on one RocksDB, behind one link. What `melder-server run` and the end-to-end
// tests start.
//
//     auto server = ServerProcess::start(config, {}, clock, random, log);
//     if (server.has_error()) …          // a sentence in the detail: which file, which line, what to do
//     … (*server)->port() …
//     (*server)->stop();                 // nothing acknowledged is lost; ≤ 10 s

#include <memory>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "server/config/server_config.hpp"
#include "server/log.hpp"

namespace melder::apps {

struct StartOptions {
    bool restored = false;  ///< --restored: the store comes from a backup
};

class ServerProcess {
public:
    /// Opens keys, trust list, store and port in this order; after an error nothing is left open. Clock, random and log
    /// outlive the server.
    [[nodiscard]] static Result<std::unique_ptr<ServerProcess>> start(const server::ServerConfig& config,
                                                                      StartOptions options, const Clock& clock,
                                                                      Random& random, server::Log& log);
    /// stop(), if it was not called.
    ~ServerProcess();
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    /// The port of listen[index].
    [[nodiscard]] std::uint16_t port(std::size_t index = 0) const;
    /// Where /health and /metrics are; 0: nowhere.
    [[nodiscard]] std::uint16_t watch_port() const;
    /// Opens the log file anew, reads the configuration again and takes over its TLS files, statement key and log
    /// level; what else changed waits for a start and is named in the log. Open connections stay as they are. An error
    /// says why the keys in use stay: the configuration or one of them is missing or damaged, or the trust list does
    /// not name the new key, so that no phone would believe it; or why the log file stays. /health tells it until a
    /// reload succeeds. Not from a loop.
    [[nodiscard]] Result<void> reload(const std::string& config_file);
    void stop();

private:
    class Impl;
    explicit ServerProcess(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::apps
