#include "client/outgoing_messages.hpp"

#include <utility>

#include "core/frame_codec.hpp"
#include "core/limits.hpp"

namespace melder::client {

Result<void> OutgoingMessages::add(const wire::Frame& frame, std::size_t longest_message) {
    const auto encoded = frame.ByteSizeLong();
    const auto size = framed_bytes(encoded);
    if (size > longest_message) return Errc::too_large;
    if (queued_bytes_ + size > limits::outbox_hard_bytes) return Errc::busy;
    if (messages_.empty() || messages_.back().size() + size > longest_message ||
        frames_in_last_ == limits::frames_per_message) {
        messages_.emplace_back();
        frames_in_last_ = 0;
    }
    append_frame(messages_.back(), frame, encoded);
    ++frames_in_last_;
    queued_bytes_ += size;
    return ok();
}

Bytes OutgoingMessages::take() {
    auto message = std::move(messages_.front());
    messages_.pop_front();
    leaving_bytes_ = message.size();
    return message;
}

void OutgoingMessages::sent() noexcept {
    queued_bytes_ -= std::exchange(leaving_bytes_, 0);
}

void OutgoingMessages::clear() noexcept {
    messages_.clear();
    queued_bytes_ = leaving_bytes_ = 0;
}

}  // namespace melder::client
