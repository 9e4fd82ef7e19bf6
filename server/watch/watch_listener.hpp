#pragma once
// HTTP for operators and Prometheus: /health and /metrics, and nothing else. Own thread and loop, so that what may
// block while an answer is gathered (a file system, the store) never stops a connection of the link.
//
//     auto listener = WatchListener::start({"127.0.0.1", 9464}, [&](WatchPage page) { … }, log);
//     if (listener.has_error()) …                // config_invalid, port_in_use, io_error
//
// A connection carries one request (`Connection: close`). At most `connections` are open; further ones wait in the
// backlog until one ends, and none lives longer than its two deadlines.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/limits.hpp"
#include "core/result.hpp"
#include "server/link/link_config.hpp"
#include "server/log.hpp"
#include "server/watch/request_logic.hpp"

namespace melder::server {

struct WatchLimits {
    std::size_t connections = limits::watch_connections;
    std::chrono::milliseconds request = limits::watch_request_deadline;    ///< from accept to the end of the header
    std::chrono::milliseconds response = limits::watch_response_deadline;  ///< to write it and see the peer close
};

class WatchListener {
public:
    struct Answer {
        unsigned status = 200;
        std::string content_type;
        std::string body;
    };
    /// On the listener's thread, one call after the other; may block. An exception becomes a 500.
    using Answerer = std::function<Answer(WatchPage)>;

    /// Binds and serves from now on. Answerer and log outlive the listener.
    [[nodiscard]] static Result<std::unique_ptr<WatchListener>> start(const LinkConfig::Endpoint& endpoint,
                                                                      Answerer answer, Log& log,
                                                                      WatchLimits limits = {});
    /// Closes every connection and joins the thread; an answer that is being gathered is waited for.
    ~WatchListener();
    WatchListener(const WatchListener&) = delete;
    WatchListener& operator=(const WatchListener&) = delete;

    [[nodiscard]] std::uint16_t port() const;

private:
    class Impl;
    explicit WatchListener(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::server
