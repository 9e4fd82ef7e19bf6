#include "server/link/link_core.hpp"

#include <unistd.h>
#include <boost/asio/post.hpp>

#include "proto/link.pb.h"
#include "server/link/connection.hpp"

namespace melder::server {
namespace {

/// One TLS record after the other lands here; shared by all connections of the loop.
constexpr std::size_t read_buffer_bytes = 64 * 1024;
constexpr std::size_t flushes_per_turn = 64;
/// Messages above this leave so much behind in protobuf's reused objects that they are made anew.
constexpr std::size_t scratch_kept_bytes = 16 * 1024;

}  // namespace

LinkCore::LinkCore(std::shared_ptr<LinkShared> shared, std::size_t index, SessionHandler& handler)
    : shared_(std::move(shared)),
      index_(index),
      handler_(&handler),
      wheel_(shared_->config.times.tick, std::chrono::steady_clock::now()),
      timer_(shared_->loops.context(index)),
      read_buffer_(read_buffer_bytes),
      scratch_frame_(std::make_unique<wire::Frame>()) {}

LinkCore::~LinkCore() = default;

void LinkCore::post(std::function<void(LinkCore&)> work) {
    boost::asio::post(context(), [self = shared_from_this(), work = std::move(work)] { work(*self); });
}

void LinkCore::start_timer() {
    timer_.expires_after(times().tick);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (error) return;
        self->on_tick();
    });
}

void LinkCore::on_tick() {
    const auto now = std::chrono::steady_clock::now();
    counters_.last_tick_ms.set(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count()));
    for (const auto& entry : wheel_.expire(now)) {
        if (const auto connection = find(entry.id)) connection->on_tick(entry.tick);
    }
    const auto waiting = std::exchange(to_wake_, {});
    for (const auto& connection : waiting)
        connection->notify_writable();
    start_timer();
}

void LinkCore::begin(int descriptor, Admission::Place place) {
    if (shutting_down_) {
        ::close(descriptor);
        return;
    }
    std::shared_ptr<Connection> connection;
    try {
        connection = std::make_shared<Connection>(shared_from_this(), ++shared_->last_id, descriptor, std::move(place));
    } catch (const std::exception&) {
        // No room for another descriptor in epoll, or no memory: this peer has to come again, the others stay.
        counters_.accept_failed.add();
        shared_->log.warn("connection_not_begun");
        ::close(descriptor);
        return;
    }
    counters_.accepted.add();
    counters_.open.add();
    connections_.emplace(connection->id(), connection);
    connection->start();
}

void LinkCore::adopt(const std::shared_ptr<Connection>& connection) {
    connection->settle(shared_from_this());
    counters_.open.add();
    connections_.emplace(connection->id(), connection);
    if (shutting_down_) return connection->drop();
    auto peer = judge_again(shared_->authority, connection->verified());
    if (peer.has_error()) {
        counters_.refused_logins.add();
        counters_.login_refusals.add(peer.error().code());
        return connection->refuse(connection->login_request(), peer.error());
    }
    if (peer->kind != Peer::Kind::admin) {
        const auto device = peer->device;
        if (const auto former = devices_.find(device); former != devices_.end()) {
            const auto old = former->second;
            old->replace();
        }
        devices_[device] = connection;
    }
    connection->open(std::move(*peer));
}

void LinkCore::close_device(const EnrolmentId& device, Errc reason) {
    if (const auto found = devices_.find(device); found != devices_.end()) found->second->close(reason);
}

std::shared_ptr<Connection> LinkCore::find(SessionId id) const {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second;
}

void LinkCore::forget(const Connection& connection) {
    if (connections_.erase(connection.id()) == 0) return;
    counters_.open.subtract();
    if (finished_) post_soon();
}

void LinkCore::forget_device(const Connection& connection) {
    const auto found = devices_.find(connection.peer().device);
    if (found != devices_.end() && found->second.get() == &connection) devices_.erase(found);
}

// ---- after the present event ----------------------------------------------------------------------------------

void LinkCore::trim_scratch_frame(std::size_t message_bytes) {
    if (message_bytes > scratch_kept_bytes) scratch_frame_ = std::make_unique<wire::Frame>();
}

void LinkCore::flush_soon(std::shared_ptr<Connection> connection) {
    if (!connection->mark_for_flush()) return;
    to_flush_.push_back(std::move(connection));
    post_soon();
}

void LinkCore::announce_close_soon(std::shared_ptr<Connection> connection) {
    to_announce_.push_back(std::move(connection));
    post_soon();
}

void LinkCore::wake_at_tick(std::shared_ptr<Connection> connection) {
    to_wake_.push_back(std::move(connection));
}

void LinkCore::post_soon() {
    if (std::exchange(soon_posted_, true)) return;
    boost::asio::post(context(), [self = shared_from_this()] { self->run_soon(); });
}

void LinkCore::run_soon() {
    soon_posted_ = false;
    const auto ended = std::exchange(to_announce_, {});
    for (const auto& connection : ended)
        connection->announce_close();
    // In turns: a fan-out to thousands must not keep the others from being read.
    const auto n = std::min(to_flush_.size(), flushes_per_turn);
    flushing_.assign(std::make_move_iterator(to_flush_.begin()),
                     std::make_move_iterator(to_flush_.begin() + static_cast<std::ptrdiff_t>(n)));
    to_flush_.erase(to_flush_.begin(), to_flush_.begin() + static_cast<std::ptrdiff_t>(n));
    for (const auto& connection : flushing_)
        connection->flush_marked();
    flushing_.clear();
    if (!to_flush_.empty()) post_soon();
    check_finished();
}

// ---- shutdown -------------------------------------------------------------------------------------------------

void LinkCore::begin_shutdown(std::function<void()> finished) {
    shutting_down_ = true;
    finished_ = std::move(finished);
    const auto all = connections_;
    for (const auto& [id, connection] : all) {
        if (!connection->was_opened()) connection->drop();
    }
    // Weak: a store may keep the answer, uncalled or called, longer than the loops live.
    handler_->on_shutdown([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->close_sessions();
    });
}

void LinkCore::close_sessions() {
    handler_done_ = true;
    const auto all = connections_;
    for (const auto& [id, connection] : all)
        connection->close(Errc::shutting_down);
    post_soon();
}

void LinkCore::drop_all() {
    handler_done_ = true;
    const auto all = connections_;
    for (const auto& [id, connection] : all)
        connection->drop();
    post_soon();
}

void LinkCore::check_finished() {
    if (!finished_ || !handler_done_ || !connections_.empty() || !to_announce_.empty()) return;
    timer_.cancel();
    to_wake_.clear();
    std::exchange(finished_, nullptr)();
}

}  // namespace melder::server
