#pragma once
// What waits to be written to one connection. Frames gather in one open message, so that everything that waits leaves
// as one WebSocket message; a message that would exceed limits::message_bytes is sealed and another begun. An empty
// outbox owns no memory.

#include <atomic>
#include <utility>
#include <vector>

#include "core/frame_codec.hpp"
#include "server/link/websocket_codec.hpp"

namespace melder::server {

/// Bytes that wait in all outboxes of the process together.
class OutboxBudget {
public:
    explicit OutboxBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}
    [[nodiscard]] bool has_room(std::size_t bytes) const noexcept {
        return used_.load(std::memory_order_relaxed) + bytes <= limit_;
    }
    void take(std::size_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }
    [[nodiscard]] std::size_t used_bytes() const noexcept { return used_.load(std::memory_order_relaxed); }

private:
    std::size_t limit_;
    std::atomic<std::size_t> used_{0};
};

class Outbox {
public:
    explicit Outbox(OutboxBudget& budget) : budget_(&budget) {}
    ~Outbox() { clear(); }
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    /// A frame's bytes must fit into one message: framed_bytes(size) <= limits::message_bytes.
    void add(const wire::Frame& frame, std::size_t encoded_bytes);
    void add(BytesView encoded);
    /// Bytes that are no link frame: a control frame, the HTTP response. They leave after what was added before.
    void add_raw(BytesView bytes);

    [[nodiscard]] bool empty() const noexcept { return queued_ == 0; }
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_; }
    [[nodiscard]] bool budget_has_room(std::size_t bytes) const noexcept { return budget_->has_room(bytes); }

    /// The bytes to write next: the rest of a sealed message, or the open one, which is sealed by this. Until consumed
    /// they stay the same, though more may follow them and they may move (what OpenSSL asks of a repeated write).
    [[nodiscard]] BytesView front();
    void consume(std::size_t bytes);
    /// Messages of link frames that were sealed since this was last asked.
    [[nodiscard]] std::size_t take_sealed_count() noexcept { return std::exchange(sealed_count_, 0); }
    void clear() noexcept;

private:
    void make_room(std::size_t framed);
    void seal();
    void count(std::size_t bytes) noexcept;

    struct Sealed {
        Bytes bytes;
        std::size_t at;  ///< what lies before is written already, or was room for the header
    };
    OutboxBudget* budget_;
    std::vector<Sealed> sealed_;
    Bytes open_;  ///< room for a header, then frames
    std::size_t queued_ = 0;
    std::size_t sealed_count_ = 0;
};

}  // namespace melder::server
