#pragma once
// The frames inside one WebSocket message: each is preceded by its length as a varint (PROTOCOL.md, "Link").

#include <optional>

#include "core/bytes.hpp"

namespace melder::wire {
class Frame;
}

namespace melder {

/// What a frame of that many encoded bytes takes up in a message.
[[nodiscard]] std::size_t framed_bytes(std::size_t encoded_bytes) noexcept;
/// Appends length and frame. `encoded_bytes` is frame.ByteSizeLong(), just computed.
void append_frame(Bytes& out, const wire::Frame& frame, std::size_t encoded_bytes);
void append_frame(Bytes& out, BytesView encoded);

/// Walks over the frames of a message.
class FrameReader {
public:
    /// `already_read`: frames of the same message that an earlier reader has seen.
    explicit FrameReader(BytesView message, std::size_t already_read = 0) : rest_(message), count_(already_read) {}

    /// The next encoded frame; nothing at the end. `malformed`: a length that is not minimal or runs over the end, or a
    /// message without frames; `too_large`: more than limits::frames_per_message.
    [[nodiscard]] Result<std::optional<BytesView>> next();
    [[nodiscard]] BytesView rest() const noexcept { return rest_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    BytesView rest_;
    std::size_t count_;
};

}  // namespace melder
