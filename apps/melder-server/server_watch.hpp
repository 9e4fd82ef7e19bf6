#pragma once
// Gathers what /health and /metrics say, when they are asked, and serves both.
//
//     ServerWatch watch(machine);
//     MELDER_CHECK(watch.listen(endpoint, log));   // from here on /health says: unavailable
//     … build and start the services …
//     watch.on_started(services);                  // ready
//     watch.on_stopping();                         // unavailable; the services are still there
//     watch.close();                               // before they die
//
// Threads: all calls from the one that starts and stops the server; gathering happens on the listener's.

#include <mutex>
#include <optional>

#include "apps/melder-server/service_metrics.hpp"
#include "keyserver/keyserver_core.hpp"
#include "server/config/server_config.hpp"
#include "server/link/link_server.hpp"
#include "server/stores/rocksdb/database.hpp"
#include "server/watch/device_counts.hpp"
#include "server/watch/health_logic.hpp"
#include "server/watch/watch_listener.hpp"

namespace melder::apps {

/// What there is from the first moment. All outlive the watch.
struct WatchedMachine {
    const Clock& clock;
    server::Database& database;
    std::string data_directory;
    std::string order_log_copy;  ///< the file
};
/// What there is while the server serves.
struct WatchedServices {
    const keyserver::Keyserver& keyserver;
    const keyserver::KeyserverLanes& lanes;
    const server::DirectoryView& view;
    const server::LinkServer& link;
    std::vector<const relay::RelayCounters*> relay_cores;
    std::vector<const keyserver::KeyserverCounters*> keyserver_cores;
};

class ServerWatch {
public:
    explicit ServerWatch(WatchedMachine machine);

    /// `port_in_use`, `io_error`: names watch.listen.
    [[nodiscard]] Result<void> listen(const server::LinkConfig::Endpoint& endpoint, server::Log& log);
    /// 0: nobody listens.
    [[nodiscard]] std::uint16_t port() const;
    void on_started(WatchedServices services);
    void on_reload(bool succeeded);
    void on_stopping();
    void close();

private:
    struct Probe {
        BootTime at;
        bool writable = false;
    };
    [[nodiscard]] server::WatchListener::Answer answer(server::WatchPage page);
    [[nodiscard]] server::HealthFacts gather(const server::DirectoryView::Counts* counts);
    [[nodiscard]] bool order_log_copy_writable();

    WatchedMachine machine_;
    UnixTime started_;
    std::mutex mutex_;  ///< of the four that follow; held while an answer is gathered
    std::optional<WatchedServices> services_;
    std::optional<server::DeviceCounts> counts_;  ///< there when they are
    bool stopping_ = false;
    bool reload_failed_ = false;
    std::optional<Probe> probe_;                       ///< the listener's thread only
    std::unique_ptr<server::WatchListener> listener_;  ///< last: it asks for all of the above
};

}  // namespace melder::apps
