// From the socket to frames, and the reasons to stop reading for a while.

#include <boost/asio/post.hpp>

#include "core/limits.hpp"
#include "proto/link.pb.h"
#include "server/link/access.hpp"
#include "server/link/connection.hpp"
#include "server/link/link_errors.hpp"

namespace melder::server {
namespace {

/// What one connection may read before the loop turns to the others.
constexpr std::size_t read_turn_bytes = 256 * 1024;

LinkTime now() {
    return std::chrono::steady_clock::now();
}

/// A request of a newer client: there is a field besides `request`, and this version does not know it.
bool holds_unknown_body(const wire::Frame& frame) {
    wire::Frame bare;
    bare.set_request(frame.request());
    return frame.ByteSizeLong() > bare.ByteSizeLong();
}

}  // namespace

void Connection::on_handshake() {
    switch (tls_.handshake()) {
        case TlsStream::Status::done:
            core_->counters().handshakes.add();
            phase_ = Phase::upgrade;
            login_ = std::make_unique<LoginState>();
            return read_some();
        case TlsStream::Status::want_read:
            return wait_read();
        case TlsStream::Status::want_write:
            return wait_write();
        case TlsStream::Status::closed:
        case TlsStream::Status::failed:
            core_->counters().handshakes_failed.add();
            return drop();
    }
}

bool Connection::takes_input() const noexcept {
    if (phase_ == Phase::closing) return true;  // and throws it away
    return phase_ != Phase::closed && phase_ != Phase::moving && !paused_ && stash_ == nullptr;
}

/// True while frames may be handled; notes a pause for want of outbox room.
bool Connection::may_dispatch() noexcept {
    if (login_ != nullptr && login_->waiting) return false;
    if (outbox_.queued_bytes() <= limits::outbox_bytes) return true;
    if (!paused_) core_->counters().reads_paused.add();
    paused_ = true;
    return false;
}

void Connection::read_some() {
    std::size_t turn = 0;
    while (takes_input()) {
        if (turn >= read_turn_bytes) {
            // TLS may hold bytes that the socket no longer has, so the socket is no one to wait for.
            read_waits_ = true;
            boost::asio::post(core_->context(), [self = shared_from_this()] {
                self->read_waits_ = false;
                self->read_some();
            });
            return;
        }
        const auto buffer = core_->read_buffer();
        const auto outcome = tls_.read(buffer);
        switch (outcome.status) {
            case TlsStream::Status::done:
                turn += outcome.bytes;
                if (phase_ == Phase::closing) break;
                deadlines_.hear(now());
                feed(buffer.first(outcome.bytes));
                break;
            case TlsStream::Status::want_read:
                return wait_read();
            case TlsStream::Status::want_write:
                read_needs_write_ = true;
                return wait_write();
            case TlsStream::Status::closed:
            case TlsStream::Status::failed:
                return drop();
        }
    }
}

void Connection::feed(std::span<Byte> input) {
    if (phase_ == Phase::upgrade) on_upgrade(input);
    while (phase_ == Phase::login || phase_ == Phase::open) {
        if (!may_dispatch()) break;
        const auto event = codec_.next(input);
        if (!event.has_value()) return;
        switch (event->kind) {
            case WebSocketCodec::Event::Kind::message:
                on_message(event->payload, 0);
                break;
            case WebSocketCodec::Event::Kind::ping:
                outbox_.add_raw(server_control_frame(Opcode::pong, event->payload));
                core_->flush_soon(shared_from_this());
                break;
            case WebSocketCodec::Event::Kind::pong:
                break;
            case WebSocketCodec::Event::Kind::close:
                return begin_closing(event->code);
            case WebSocketCodec::Event::Kind::failed:
                return on_protocol_error(error_for(event->code), event->code);
        }
    }
    if (phase_ == Phase::login || phase_ == Phase::moving || phase_ == Phase::open) stash_input(input);
}

void Connection::stash_input(BytesView input) {
    if (input.empty()) return;
    if (stash_ == nullptr) stash_ = std::make_unique<Stash>();
    stash_->input.insert(stash_->input.end(), input.begin(), input.end());
}

void Connection::on_message(BytesView message, std::size_t already_read) {
    if (already_read == 0) core_->counters().messages_in.add();
    FrameReader reader(message, already_read);
    while (phase_ == Phase::login || phase_ == Phase::open) {
        if (!reader.rest().empty() && !may_dispatch()) {
            stash_ = std::make_unique<Stash>(Stash{to_bytes(reader.rest()), reader.count(), {}});
            break;
        }
        const auto next = reader.next();
        if (next.has_error()) return on_protocol_error(next.error().code(), close_code_for(next.error().code()));
        if (!next->has_value()) break;
        const auto encoded = **next;
        auto& frame = core_->scratch_frame();
        const bool parsed = frame.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()));
        const bool bodiless = parsed && frame.body_case() == wire::Frame::BODY_NOT_SET;
        if (!parsed || (bodiless && !holds_unknown_body(frame))) {
            return on_protocol_error(Errc::malformed, CloseCode::protocol_error);
        }
        core_->counters().frames_in.add();
        if (bodiless) {
            reply_error(frame.request(), Errc::unsupported);
        } else if (phase_ == Phase::login) {
            on_login_frame(frame);
        } else {
            on_session_frame(frame);
        }
    }
    if (phase_ == Phase::moving && !reader.rest().empty()) return refuse(0, Errc::out_of_order);
    if (phase_ == Phase::open) core_->handler().on_message_end(*this);
    core_->trim_scratch_frame(message.size());
}

void Connection::on_protocol_error(Errc code, CloseCode close_code) {
    core_->counters().protocol_errors.add();
    core_->shared().log.info("protocol_error", {{"session", id_}, {"code", code}});
    if (phase_ == Phase::open) core_->handler().on_message_end(*this);  // what came before it stands
    queue(error_frame(0, code));
    begin_closing(close_code);
}

void Connection::on_session_frame(wire::Frame& frame) {
    if (!may_send(peer_.kind, frame.body_case())) {
        core_->counters().refused_frames.add();
        return reply_error(frame.request(), Errc::not_allowed);
    }
    if (frame.has_offer_trust_list()) return on_offer(frame);
    core_->handler().on_frame(*this, frame);
}

/// Goes on where reading or handling stopped.
void Connection::resume() {
    if (resuming_) return;
    resuming_ = true;
    paused_ = false;
    while (stash_ != nullptr && (phase_ == Phase::login || phase_ == Phase::open) && may_dispatch()) {
        const auto stash = std::move(stash_);
        if (!stash->message.empty()) on_message(stash->message, stash->frames);
        if (stash_ != nullptr) {
            stash_->input = std::move(stash->input);
            break;
        }
        feed(stash->input);
    }
    resuming_ = false;
    // When nobody waits for the socket, reading stopped for one of the reasons that are now gone.
    if (!read_waits_ && phase_ != Phase::closed) read_some();
}

}  // namespace melder::server
