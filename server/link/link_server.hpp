#pragma once
// The server's side of the link: accepts connections, speaks TLS and WebSocket, logs devices and administrators in and
// hands their frames to the services. How a main builds it:
//
//     EventLoops loops(cores);                                    // threads
//     … stores and services on `loops`, one SessionHandler per core …
//     LinkServer link(config, loops, authority, handlers, log);   // handlers[i] serves core i
//     MELDER_CHECK(link.start());                                 // reads the keys, binds the ports, accepts
//     … wait for a signal …
//     link.shutdown();                                            // sessions flushed and closed, ≤ 10 s
//     loops.stop();                                               // then handlers and stores may die

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/link/counters.hpp"
#include "server/link/event_loops.hpp"
#include "server/link/link_config.hpp"
#include "server/link/session.hpp"
#include "server/link/tls.hpp"
#include "server/log.hpp"

namespace melder::server {

class LinkServer {
public:
    /// `authority`, `handlers` and `log` outlive this object. As many handlers as loops, in their order.
    LinkServer(LinkConfig config, EventLoops& loops, LoginAuthority& authority, std::vector<SessionHandler*> handlers,
               Log& log);
    /// shutdown(), if it was not called.
    ~LinkServer();
    LinkServer(const LinkServer&) = delete;
    LinkServer& operator=(const LinkServer&) = delete;

    /// `config_invalid` (address or PEM file, named in the detail), `port_in_use`, `io_error`. Not from a loop.
    [[nodiscard]] Result<void> start();
    /// The port of listen[index] once started.
    [[nodiscard]] std::uint16_t port(std::size_t index = 0) const;

    /// Closes the device's connection, if it has one: an ErrorReply with `reason`, then the end. From any thread.
    /// Change what LoginAuthority answers *before* this call: a login on its way is judged again on the device's home
    /// core.
    void close_device(const EnrolmentId& device, Errc reason);

    /// Another certificate and key, between start() and shutdown(): connections that are open keep theirs; every
    /// handshake that begins after this call returned gets the new ones. Not from a loop.
    void use_tls(TlsContext context);
    /// What handshakes get at present; null before start(). From any thread.
    [[nodiscard]] std::shared_ptr<const TlsContext> tls() const;

    /// Sum over all cores, at about this moment. From any thread.
    [[nodiscard]] LinkCounters counters() const;
    /// Of one core; it goes on counting. From any thread.
    [[nodiscard]] const CoreCounters& core_counters(std::size_t core) const;
    /// What waits in all outboxes together. From any thread.
    [[nodiscard]] std::size_t outbox_bytes() const;

    /// Stops accepting; asks every handler to write down what is in flight; flushes and closes every session; returns
    /// when no connection is left, after LinkTimes::shutdown at the latest. Not from a loop.
    void shutdown();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::server
