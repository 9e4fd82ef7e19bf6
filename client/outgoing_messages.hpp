#pragma once
// Frames that wait to be sent, packed into as few WebSocket messages as the limits allow. No I/O.

#include <deque>

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "proto/link.pb.h"

namespace melder::client {

class OutgoingMessages {
public:
    /// `too_large` for a frame that no message of `longest_message` bytes holds, `busy` when limits::outbox_hard_bytes
    /// are waiting.
    [[nodiscard]] Result<void> add(const wire::Frame& frame, std::size_t longest_message);
    [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
    /// The next message; it still counts as queued until sent() was called. One at a time.
    [[nodiscard]] Bytes take();
    void sent() noexcept;
    void clear() noexcept;
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }

private:
    std::deque<Bytes> messages_;
    std::size_t frames_in_last_ = 0;
    std::size_t leaving_bytes_ = 0;
    std::size_t queued_bytes_ = 0;
};

}  // namespace melder::client
