#pragma once
// One event loop's share of the link: its connections, timers, counters and the buffers they use in turn. Everything
// here happens on that loop; `post` is the only door from outside.

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "server/link/counters.hpp"
#include "server/link/event_loops.hpp"
#include "server/link/link_config.hpp"
#include "server/link/outbox.hpp"
#include "server/link/session.hpp"
#include "server/link/timer_wheel.hpp"
#include "server/link/tls.hpp"
#include "server/log.hpp"

namespace melder::server {

class Connection;
class LinkCore;

/// What all cores have in common.
struct LinkShared {
    LinkShared(LinkConfig link_config, EventLoops& event_loops, LoginAuthority& login_authority, Log& link_log)
        : config(std::move(link_config)),
          loops(event_loops),
          authority(login_authority),
          log(link_log),
          admission(config.admission),
          budget(config.process_outbox_bytes) {}

    LinkConfig config;
    EventLoops& loops;
    LoginAuthority& authority;
    Log& log;
    Admission admission;
    OutboxBudget budget;
    std::vector<LinkCore*> cores{};  ///< alive while a connection is
    std::atomic<SessionId> last_id{0};
    std::atomic<std::size_t> connections_alive{0};  ///< Connection objects, whatever refers to them
};

class LinkCore : public std::enable_shared_from_this<LinkCore> {
public:
    LinkCore(std::shared_ptr<LinkShared> shared, std::size_t index, SessionHandler& handler);
    ~LinkCore();

    /// From any thread: runs `work` on this loop, later. The core lives until then.
    void post(std::function<void(LinkCore&)> work);

    // ---- on the loop ----
    void start_timer();
    /// A socket that was accepted: takes the descriptor.
    void begin(int descriptor, Admission::Place place);
    /// A connection that proved itself elsewhere comes home.
    void adopt(const std::shared_ptr<Connection>& connection);
    void close_device(const EnrolmentId& device, Errc reason);
    [[nodiscard]] std::shared_ptr<Connection> find(SessionId id) const;

    /// Drops who is not logged in, asks the handler, closes the sessions; `finished` when none is left.
    void begin_shutdown(std::function<void()> finished);
    /// The end of patience.
    void drop_all();

    // ---- for connections ----
    [[nodiscard]] LinkShared& shared() const noexcept { return *shared_; }
    [[nodiscard]] std::size_t index() const noexcept { return index_; }
    [[nodiscard]] SessionHandler& handler() const noexcept { return *handler_; }
    [[nodiscard]] CoreCounters& counters() noexcept { return counters_; }
    /// Of handshakes that begin from now on.
    void use_tls(std::shared_ptr<const TlsContext> tls) { tls_ = std::move(tls); }
    [[nodiscard]] const TlsContext& tls() const noexcept { return *tls_; }
    [[nodiscard]] const LinkTimes& times() const noexcept { return shared_->config.times; }
    [[nodiscard]] boost::asio::io_context& context() const noexcept { return shared_->loops.context(index_); }
    [[nodiscard]] std::span<Byte> read_buffer() noexcept { return read_buffer_; }
    /// A frame to parse into; its memory is reused. Not across a call that parses another.
    [[nodiscard]] wire::Frame& scratch_frame() noexcept { return *scratch_frame_; }
    /// Gives back what a very large message left in the scratch frame.
    void trim_scratch_frame(std::size_t message_bytes);
    /// Once the present event is over: whatever waits in its outbox is written.
    void flush_soon(std::shared_ptr<Connection> connection);
    /// Once the present event is over: on_close, if it was opened and not yet told.
    void announce_close_soon(std::shared_ptr<Connection> connection);
    /// A frame found no room in the process: on_writable at the next tick.
    void wake_at_tick(std::shared_ptr<Connection> connection);
    [[nodiscard]] std::uint64_t schedule(SessionId id, LinkTime due) { return wheel_.schedule(id, due); }
    /// The connection lives here no longer. (Its device stays taken until on_close was called.)
    void forget(const Connection& connection);
    void forget_device(const Connection& connection);

private:
    void on_tick();
    void post_soon();
    void run_soon();
    void close_sessions();
    void check_finished();

    std::shared_ptr<LinkShared> shared_;
    std::size_t index_;
    SessionHandler* handler_;
    CoreCounters counters_;
    std::shared_ptr<const TlsContext> tls_;
    std::unordered_map<SessionId, std::shared_ptr<Connection>> connections_;
    std::unordered_map<EnrolmentId, std::shared_ptr<Connection>> devices_;  ///< until on_close was called
    TimerWheel wheel_;
    boost::asio::steady_timer timer_;
    std::vector<Byte> read_buffer_;
    std::unique_ptr<wire::Frame> scratch_frame_;
    std::vector<std::shared_ptr<Connection>> to_flush_;
    std::vector<std::shared_ptr<Connection>> flushing_;  ///< the part of to_flush_ that is being served
    std::vector<std::shared_ptr<Connection>> to_announce_;
    std::vector<std::shared_ptr<Connection>> to_wake_;
    bool soon_posted_ = false;
    bool shutting_down_ = false;
    bool handler_done_ = false;
    std::function<void()> finished_;
};

}  // namespace melder::server
