#include "client/link_connection_impl.hpp"

#include "core/frame_codec.hpp"
#include "core/protobuf_log.hpp"

namespace melder::client {

namespace asio = boost::asio;

LinkConnection::Impl::Impl(const asio::any_io_executor& executor, ByteStreamFactory make_stream, const LinkTimes& times)
    : executor_(executor),
      make_stream_(std::move(make_stream)),
      times_(times),
      timer_(executor),
      liveness_({times.ping, times.dead, times.path_check}) {
    silence_protobuf();
}

void LinkConnection::Impl::connect(const ServerAddress& address, ServerTrust trust, Completion<ServerHello> done) {
    if (phase_ != Phase::idle) return fail_later(std::move(done), Errc::out_of_order);
    phase_ = Phase::connecting;
    trust_ = std::move(trust);
    connect_done_ = std::move(done);
    phase_due_ = SteadyClock::now() + times_.handshake;
    socket_ = std::make_unique<WebSocket>(executor_, make_stream_(executor_), address.host);
    socket_->on_path_changed(guarded([](Impl& self) { self.on_path_changed(); }));
    socket_->connect(address.host, address.port, guarded([](Impl& self, const Result<void>& connected) {
                         if (self.phase_ != Phase::connecting) return;
                         if (connected.has_error()) return self.end(connected.error());
                         self.read_next();
                     }));
    arm();
}

// ---- reading ------------------------------------------------------------------------------------------------------

void LinkConnection::Impl::read_next() {
    if (reading_ || !reading_wanted_ || phase_ == Phase::ended || socket_ == nullptr) return;
    reading_ = true;
    socket_->read(guarded([](Impl& self, const Result<BytesView>& message) {
        self.reading_ = false;
        if (self.phase_ == Phase::ended) return;
        if (message.has_error()) return self.end(message.error());
        self.on_message(*message);
        self.read_next();
        self.arm();
    }));
}

void LinkConnection::Impl::on_message(BytesView message) {
    FrameReader reader(message);
    while (phase_ != Phase::ended) {
        const auto next = reader.next();
        if (next.has_error()) return end(next.error());
        if (!next->has_value()) return;
        const auto encoded = **next;
        wire::Frame frame;
        if (!frame.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return end(Errc::malformed);
        take_frame(frame);
    }
}

void LinkConnection::Impl::take_frame(wire::Frame& frame) {
    if (phase_ == Phase::connecting) {
        if (frame.has_hello()) return on_hello(frame.hello());
        return end(frame.has_error() ? error_of(frame.error()) : Error(Errc::malformed));
    }
    if (frame.request() != 0 && requests_.deliver(frame, SteadyClock::now())) return;
    if (frame.has_error() && frame.request() == 0) {
        notice_ = error_of(frame.error());  // the server closes next
        return;
    }
    if (phase_ != Phase::open && phase_ != Phase::closing) return end(Errc::out_of_order);
    if (on_frame) on_frame(frame);
}

void LinkConnection::Impl::set_reading(bool wanted) {
    if (wanted && !reading_wanted_) liveness_.on_reading(SteadyClock::now());
    if (!wanted) liveness_.on_paused();
    reading_wanted_ = wanted;
    if (wanted && phase_ != Phase::connecting && phase_ != Phase::idle) {
        read_next();
        arm();
    }
}

// ---- writing ------------------------------------------------------------------------------------------------------

Result<void> LinkConnection::Impl::send(const wire::Frame& frame) {
    if (phase_ != Phase::open) return Errc::not_connected;
    return queue(frame);
}

Result<void> LinkConnection::Impl::queue(const wire::Frame& frame) {
    const auto longest = phase_ == Phase::open ? limits::message_bytes : limits::message_before_welcome_bytes;
    MELDER_CHECK(outgoing_.add(frame, longest));
    // Later in this turn of the loop: what else is queued by then leaves with it.
    if (!std::exchange(flush_posted_, true)) {
        asio::post(executor_, guarded([](Impl& self) {
                       self.flush_posted_ = false;
                       self.flush();
                   }));
    }
    return ok();
}

void LinkConnection::Impl::flush() {
    if (writing_ || phase_ == Phase::ended) return;
    if (outgoing_.empty()) {
        if (phase_ == Phase::closing) {
            writing_ = true;  // nothing follows a close
            socket_->close(guarded([](Impl& self, const Result<void>&) { self.end(Errc::closed); }));
        }
        return;
    }
    writing_ = true;
    // Beast reads from the buffer until the completion; should this object die before, the buffer must not.
    auto message = std::make_shared<Bytes>(outgoing_.take());
    socket_->write(*message, [weak = weak_from_this(), message](const Result<void>& written) {
        const auto self = weak.lock();
        if (self == nullptr || self->phase_ == Phase::ended) return;
        self->writing_ = false;
        self->outgoing_.sent();
        if (written.has_error()) return self->end(written.error());
        self->flush();
    });
}

void LinkConnection::Impl::request_parts(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler) {
    if (phase_ != Phase::open) {
        asio::post(executor_, [handler = std::move(handler)] { handler(Errc::not_connected); });
        return;
    }
    submit_request(std::move(frame), deadline, std::move(handler));
}

void LinkConnection::Impl::submit_request(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler) {
    const auto number = requests_.add(handler, deadline, SteadyClock::now());
    frame.set_request(number);
    if (const auto queued = queue(frame); queued.has_error()) {
        requests_.forget(number);
        asio::post(executor_, [handler = std::move(handler), error = queued.error()] { handler(error); });
        return;
    }
    arm();
}

// ---- time and the end ---------------------------------------------------------------------------------------------

void LinkConnection::Impl::ping() {
    liveness_.on_pinged(SteadyClock::now());
    if (std::exchange(pinging_, true)) return;
    socket_->ping(guarded([](Impl& self, const Result<void>&) { self.pinging_ = false; }));
}

void LinkConnection::Impl::on_path_changed() {
    if (phase_ != Phase::open && phase_ != Phase::greeted) return;
    liveness_.on_path_changed(SteadyClock::now());
    ping();
    arm();
}

void LinkConnection::Impl::arm() {
    if (phase_ == Phase::idle || phase_ == Phase::ended) return;
    auto due = SteadyClock::time_point::max();
    if (const auto request = requests_.next_due()) due = *request;
    if (phase_ == Phase::connecting || phase_ == Phase::closing) {
        due = std::min(due, phase_due_);
    } else {
        due = std::min(due, liveness_.next(socket_->tls().last_heard()));
    }
    timer_.expires_at(due);
    timer_.async_wait(guarded([](Impl& self, const boost::system::error_code& code) {
        if (!code) self.on_timer();
    }));
}

void LinkConnection::Impl::on_timer() {
    if (phase_ == Phase::ended) return;
    const auto now = SteadyClock::now();
    requests_.expire(now);
    if (phase_ == Phase::ended) return;
    if (phase_ == Phase::connecting || phase_ == Phase::closing) {
        if (now >= phase_due_) return end(phase_ == Phase::closing ? Errc::closed : Errc::deadline_exceeded);
        return arm();
    }
    switch (liveness_.check(socket_->tls().last_heard(), now)) {
        case LivenessLogic::Due::nothing:
            break;
        case LivenessLogic::Due::ping:
            ping();
            break;
        case LivenessLogic::Due::give_up:
            return end(Error(Errc::network, "the server has fallen silent"));
    }
    arm();
}

void LinkConnection::Impl::close() {
    if (phase_ == Phase::closing || phase_ == Phase::ended) return;
    if (phase_ == Phase::idle || phase_ == Phase::connecting) {
        asio::post(executor_, guarded([](Impl& self) { self.end(Errc::closed); }));
        return;
    }
    phase_ = Phase::closing;
    phase_due_ = SteadyClock::now() + times_.closing;
    set_reading(true);  // the peer's close has to be read
    asio::post(executor_, guarded([](Impl& self) { self.flush(); }));
    arm();
}

void LinkConnection::Impl::end(const Error& reason) {
    if (phase_ == Phase::ended) return;
    const bool by_us = phase_ == Phase::closing;
    phase_ = Phase::ended;
    timer_.cancel();
    if (socket_ != nullptr) socket_->cancel();
    outgoing_.clear();
    const Error why = by_us ? Error(Errc::closed) : notice_.value_or(reason);
    // Later, since completions never run inside the call that asked for them; and they outlive this object.
    auto requests = std::make_shared<RequestTable>(std::exchange(requests_, {}));
    requests_.fail_all(why);  // for the one whose handler is running now
    asio::post(executor_, [requests, connect_done = std::exchange(connect_done_, nullptr),
                           closed = std::exchange(on_closed, nullptr), why, by_us] {
        const Error to_requests = by_us ? Error(Errc::cancelled) : why;
        if (connect_done) connect_done(to_requests);
        requests->fail_all(to_requests);
        if (closed) closed(why);
    });
}

}  // namespace melder::client
