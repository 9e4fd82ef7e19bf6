// From frames to the socket: what finds room in the outbox, and when there is room again.

#include <algorithm>

#include <sys/socket.h>

#include "core/limits.hpp"
#include "proto/link.pb.h"
#include "server/link/connection.hpp"
#include "server/link/link_errors.hpp"

namespace melder::server {
namespace {

constexpr std::size_t resume_below_bytes = limits::outbox_bytes / 2;

}  // namespace

bool Connection::has_room_for(std::size_t framed, bool is_reply) {
    if (phase_ != Phase::open) return false;
    if (framed > limits::message_bytes) {
        core_->shared().log.error("frame_too_large", {{"session", id_}, {"bytes", framed}});
        close(Errc::internal);
        return false;
    }
    const bool in_process = outbox_.budget_has_room(framed);
    const auto limit = is_reply ? limits::outbox_hard_bytes : limits::outbox_bytes;
    if (in_process && outbox_.queued_bytes() + framed <= limit) return true;
    core_->counters().outbox_refused.add();
    if (is_reply) {
        close(Errc::busy);  // it asks for more than it reads
    } else {
        wants_writable_ = true;
        if (!in_process) core_->wake_at_tick(shared_from_this());
    }
    return false;
}

bool Connection::send(const wire::Frame& frame) {
    const auto size = frame.ByteSizeLong();
    if (!has_room_for(framed_bytes(size), frame.request() != 0)) return false;
    core_->counters().frames_out.add();
    outbox_.add(frame, size);
    core_->flush_soon(shared_from_this());
    return true;
}

bool Connection::send_encoded(BytesView frame) {
    if (!has_room_for(framed_bytes(frame.size()), false)) return false;
    core_->counters().frames_out.add();
    outbox_.add(frame);
    core_->flush_soon(shared_from_this());
    return true;
}

/// The link's own frames: few, small, and never refused.
void Connection::queue(const wire::Frame& frame) {
    core_->counters().frames_out.add();
    outbox_.add(frame, frame.ByteSizeLong());
    core_->flush_soon(shared_from_this());
}

void Connection::reply_error(std::uint32_t request, const Error& error) {
    queue(error_frame(request, error));
}

std::size_t Connection::outbox_room_bytes() const noexcept {
    if (phase_ != Phase::open) return 0;
    return limits::outbox_bytes - std::min(limits::outbox_bytes, outbox_.queued_bytes());
}

void Connection::flush() {
    if (phase_ == Phase::closed || phase_ == Phase::tls || write_waits_) return;
    while (!outbox_.empty()) {
        const auto next = outbox_.front();
        core_->counters().messages_out.add(outbox_.take_sealed_count());
        const auto outcome = tls_.write(next);
        switch (outcome.status) {
            case TlsStream::Status::done:
                outbox_.consume(outcome.bytes);
                break;
            case TlsStream::Status::want_write:
                wait_write();
                return after_progress();
            case TlsStream::Status::want_read:  // TLS 1.3 never asks for this
            case TlsStream::Status::closed:
            case TlsStream::Status::failed:
                return drop();
        }
    }
    after_flush();
}

void Connection::after_flush() {
    if (phase_ == Phase::moving) {
        if (!login_->waiting) move_home();
        return;
    }
    if (phase_ != Phase::closing) return after_progress();
    if (said_goodbye_) return;
    // Reading goes on until the peer closes: unread bytes would turn our end into a reset that swallows the last words.
    said_goodbye_ = true;
    tls_.shutdown();
    ::shutdown(descriptor_number_, SHUT_WR);
    if (!read_waits_) read_some();
}

void Connection::after_progress() {
    if (wants_writable_ && outbox_room_bytes() >= limits::outbox_bytes / 2) notify_writable();
    if ((paused_ || stash_ != nullptr) && outbox_.queued_bytes() <= resume_below_bytes) resume();
}

void Connection::notify_writable() {
    if (!wants_writable_ || phase_ != Phase::open) return;
    wants_writable_ = false;
    core_->handler().on_writable(*this);
}

}  // namespace melder::server
