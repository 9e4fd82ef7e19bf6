#include "core/frame_codec.hpp"

#include "core/limits.hpp"
#include "proto/link.pb.h"

namespace melder {
namespace {

// 2^21 is more than a message can hold, so a length never has a fourth byte.
constexpr std::size_t longest_length = 3;

void append_length(Bytes& out, std::size_t length) {
    while (length >= 0x80) {
        out.push_back(static_cast<Byte>(length | 0x80));
        length >>= 7;
    }
    out.push_back(static_cast<Byte>(length));
}

}  // namespace

std::size_t framed_bytes(std::size_t encoded_bytes) noexcept {
    std::size_t prefix = 1;
    for (auto rest = encoded_bytes >> 7; rest > 0; rest >>= 7)
        ++prefix;
    return prefix + encoded_bytes;
}

void append_frame(Bytes& out, const wire::Frame& frame, std::size_t encoded_bytes) {
    append_length(out, encoded_bytes);
    const auto start = out.size();
    out.resize(start + encoded_bytes);
    frame.SerializeWithCachedSizesToArray(out.data() + start);
}

void append_frame(Bytes& out, BytesView encoded) {
    append_length(out, encoded.size());
    out.insert(out.end(), encoded.begin(), encoded.end());
}

Result<std::optional<BytesView>> FrameReader::next() {
    if (rest_.empty()) {
        if (count_ == 0) return Errc::malformed;
        return std::optional<BytesView>();
    }
    if (count_ == limits::frames_per_message) return Errc::too_large;
    std::size_t length = 0;
    std::size_t used = 0;
    while (true) {
        if (used == rest_.size() || used == longest_length) return Errc::malformed;
        const auto byte = rest_[used];
        length |= static_cast<std::size_t>(byte & 0x7f) << (7 * used);
        ++used;
        if ((byte & 0x80) != 0) continue;
        if (byte == 0 && used > 1) return Errc::malformed;
        break;
    }
    if (length > rest_.size() - used) return Errc::malformed;
    const auto frame = rest_.subspan(used, length);
    rest_ = rest_.subspan(used + length);
    ++count_;
    return std::optional<BytesView>(frame);
}

}  // namespace melder
