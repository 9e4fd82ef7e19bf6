// Life and death of a connection, and what it waits for. Login: connection_login.cpp. Bytes in and out:
// connection_reading.cpp, connection_writing.cpp.

#include "server/link/connection.hpp"

#include <utility>

#include "core/limits.hpp"
#include "server/link/link_errors.hpp"

namespace melder::server {
namespace {

LinkTime now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

Connection::Connection(std::shared_ptr<LinkCore> core, SessionId id, int descriptor, Admission::Place place)
    : core_(std::move(core)),
      id_(id),
      place_(std::move(place)),
      descriptor_number_(descriptor),
      tls_(core_->tls(), descriptor),
      codec_(limits::message_before_welcome_bytes),
      outbox_(core_->shared().budget),
      descriptor_(std::in_place, core_->context(), descriptor) {
    core_->shared().connections_alive.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
    core_->shared().connections_alive.fetch_sub(1, std::memory_order_release);
}

void Connection::start() {
    deadlines_.enter(Deadlines::Phase::handshake, now());
    schedule_check(deadlines_.since + core_->times().handshake);
    wait_read();
}

void Connection::wait_read() {
    if (read_waits_ || !descriptor_.has_value()) return;
    read_waits_ = true;
    descriptor_->async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        if (error) return;  // the descriptor is gone
        self->read_waits_ = false;
        self->on_readable();
    });
}

void Connection::wait_write() {
    if (write_waits_ || !descriptor_.has_value()) return;
    write_waits_ = true;
    descriptor_->async_wait(Descriptor::wait_write,
                            [self = shared_from_this()](const boost::system::error_code& error) {
                                if (error) return;
                                self->write_waits_ = false;
                                if (self->phase_ == Phase::tls) return self->on_handshake();
                                self->deadlines_.hear(now());
                                if (std::exchange(self->read_needs_write_, false)) self->read_some();
                                self->flush();
                            });
}

void Connection::on_readable() {
    if (phase_ == Phase::tls) return on_handshake();
    read_some();
}

void Connection::schedule_check(LinkTime due) {
    if (check_tick_ != 0 && check_due_ <= due) return;  // looked at earlier anyway, and then scheduled again
    check_due_ = due;
    check_tick_ = core_->schedule(id_, due);
}

void Connection::on_tick(std::uint64_t tick) {
    if (tick != check_tick_ || phase_ == Phase::closed) return;
    check_tick_ = 0;
    const auto verdict = deadlines_.check(core_->times(), now());
    switch (verdict.due) {
        case Deadlines::Due::nothing:
            break;
        case Deadlines::Due::ping:
            // When bytes wait, the peer's reading of them is the sign of life.
            if (outbox_.empty()) outbox_.add_raw(server_control_frame(Opcode::ping, {}));
            flush();
            break;
        case Deadlines::Due::give_up:
            if (phase_ == Phase::open) core_->counters().dead_peers.add();
            if (phase_ != Phase::open && phase_ != Phase::closing) core_->counters().deadlines_missed.add();
            return drop();
    }
    if (phase_ != Phase::closed) schedule_check(verdict.next);
}

void Connection::replace() {
    if (phase_ == Phase::open) {
        core_->counters().replaced.add();
        wire::Frame frame;
        frame.mutable_replaced();
        queue(frame);
        begin_closing(CloseCode::normal);
    }
    announce_close();
}

void Connection::close(Errc reason) {
    if (phase_ != Phase::open) return;
    queue(error_frame(0, reason));
    begin_closing(close_code_for(reason));
}

void Connection::refuse(std::uint32_t request, const Error& error) {
    queue(error_frame(request, error));
    begin_closing(close_code_for(error.code()));
}

void Connection::begin_closing(std::optional<CloseCode> code) {
    if (phase_ == Phase::closing || phase_ == Phase::closed) return;
    if (code.has_value()) outbox_.add_raw(server_close_frame(*code));
    phase_ = Phase::closing;
    stash_.reset();
    paused_ = false;
    deadlines_.enter(Deadlines::Phase::closing, now());
    schedule_check(deadlines_.since + core_->times().closing);
    core_->flush_soon(shared_from_this());
    if (opened_) core_->announce_close_soon(shared_from_this());
}

void Connection::drop() {
    if (phase_ == Phase::closed) return;
    phase_ = Phase::closed;
    outbox_.clear();
    stash_.reset();
    descriptor_.reset();
    core_->forget(*this);
    if (opened_) core_->announce_close_soon(shared_from_this());
}

void Connection::announce_close() {
    if (!opened_ || announced_) return;
    announced_ = true;
    core_->counters().sessions.subtract();
    core_->forget_device(*this);
    core_->handler().on_close(*this);
}

}  // namespace melder::server
