#include "server/link/websocket_codec.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace melder::server {
namespace {

constexpr std::size_t longest_control_payload = 125;

/// XOR with the mask, which starts at `offset` (0–3). Eight bytes at a time once the position is aligned to the mask.
void unmask(std::span<Byte> bytes, const ByteArray<4>& mask, std::size_t offset) noexcept {
    ByteArray<8> turned{};
    for (std::size_t i = 0; i < turned.size(); ++i)
        turned[i] = mask[(offset + i) % 4];
    std::uint64_t wide = 0;
    std::memcpy(&wide, turned.data(), sizeof wide);
    std::size_t i = 0;
    for (; i + sizeof wide <= bytes.size(); i += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        word ^= wide;
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    for (; i < bytes.size(); ++i)
        bytes[i] = static_cast<Byte>(bytes[i] ^ turned[i % 4]);
}

/// RFC 6455 §7.4: what may stand in a close frame.
bool may_be_sent(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace

std::optional<WebSocketCodec::Event> WebSocketCodec::next(std::span<Byte>& input) {
    if (handed_out_) {
        // A ping between two fragments must not cost the fragments. (`= {}` would keep the capacity.)
        control_ = Bytes();
        if (!in_message_) message_ = Bytes();
        handed_out_ = false;
    }
    while (!over_) {
        if (!in_payload_) {
            if (!take_header(input)) return std::nullopt;
            if (header_size_ == 2) {
                if (const auto code = check_start()) return fail(*code);
            }
            if (header_size_ < header_needed()) continue;
            if (const auto code = begin_payload()) return fail(*code);
        }
        if (input.empty() && remaining_ > 0) return std::nullopt;
        if (auto event = take_payload(input)) return event;
    }
    input = {};
    return std::nullopt;
}

/// Up to the first two bytes, then up to the whole header. False: more input is needed.
bool WebSocketCodec::take_header(std::span<Byte>& input) {
    const auto wanted = header_size_ < 2 ? std::size_t{2} : header_needed();
    const auto n = std::min(wanted - header_size_, input.size());
    std::ranges::copy(input.first(n), header_.begin() + header_size_);
    header_size_ = static_cast<std::uint8_t>(header_size_ + n);
    input = input.subspan(n);
    return header_size_ == wanted;
}

std::size_t WebSocketCodec::header_needed() const {
    const auto length = header_[1] & 0x7f;
    const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    return 2 + extended + 4;
}

/// The first two bytes are enough to refuse most of what is wrong.
std::optional<CloseCode> WebSocketCodec::check_start() const {
    if ((header_[0] & 0x70) != 0) return CloseCode::protocol_error;  // no extension was negotiated
    if ((header_[1] & 0x80) == 0) return CloseCode::protocol_error;  // clients mask
    switch (opcode()) {
        case Opcode::continuation:
            return in_message_ ? std::nullopt : std::optional(CloseCode::protocol_error);
        case Opcode::binary:
            return in_message_ ? std::optional(CloseCode::protocol_error) : std::nullopt;
        case Opcode::text:
            return CloseCode::unsupported_data;
        case Opcode::close:
        case Opcode::ping:
        case Opcode::pong:
            if (!is_final() || (header_[1] & 0x7f) > longest_control_payload) return CloseCode::protocol_error;
            return std::nullopt;
    }
    return CloseCode::protocol_error;
}

std::optional<CloseCode> WebSocketCodec::begin_payload() {
    std::uint64_t length = header_[1] & 0x7f;
    const auto extended = header_needed() - 6;
    if (extended > 0) {
        length = 0;
        for (std::size_t i = 0; i < extended; ++i)
            length = length << 8 | header_[2 + i];
        // The shortest form is the only one, and the top bit of eight bytes is zero (§5.2).
        if (length < 126 || (extended == 8 && (length <= 0xffff || length >> 63 != 0)))
            return CloseCode::protocol_error;
    }
    if (!is_control() && length > longest_message_ - std::min(longest_message_, message_.size()))
        return CloseCode::too_big;
    std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(2 + extended), 4, mask_.begin());
    remaining_ = static_cast<std::size_t>(length);
    mask_offset_ = 0;
    in_payload_ = true;
    return std::nullopt;
}

std::optional<WebSocketCodec::Event> WebSocketCodec::take_payload(std::span<Byte>& input) {
    const auto n = std::min(remaining_, input.size());
    const auto chunk = input.first(n);
    input = input.subspan(n);
    unmask(chunk, mask_, mask_offset_);
    mask_offset_ = static_cast<std::uint8_t>((mask_offset_ + n) % 4);
    remaining_ -= n;

    auto& kept = is_control() ? control_ : message_;
    const bool whole_in_place = remaining_ == 0 && kept.empty() && (is_control() || is_final());
    if (whole_in_place) return finish_frame(chunk);
    kept.insert(kept.end(), chunk.begin(), chunk.end());
    if (remaining_ > 0) return std::nullopt;
    handed_out_ = is_control() || is_final();
    return finish_frame(kept);
}

std::optional<WebSocketCodec::Event> WebSocketCodec::finish_frame(BytesView payload) {
    in_payload_ = false;
    header_size_ = 0;
    switch (opcode()) {
        case Opcode::ping:
        case Opcode::pong: {
            const auto kind = opcode() == Opcode::ping ? Event::Kind::ping : Event::Kind::pong;
            return Event{kind, payload};
        }
        case Opcode::close: {
            if (payload.empty()) {
                over_ = true;
                return Event{Event::Kind::close, {}, CloseCode::no_code};
            }
            if (payload.size() == 1) return fail(CloseCode::protocol_error);
            const auto code = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
            if (!may_be_sent(code)) return fail(CloseCode::protocol_error);
            over_ = true;
            return Event{Event::Kind::close, {}, static_cast<CloseCode>(code)};
        }
        case Opcode::binary:
        case Opcode::continuation:
        case Opcode::text:
            break;
    }
    in_message_ = !is_final();
    if (in_message_) return std::nullopt;
    return Event{Event::Kind::message, payload};
}

WebSocketCodec::Event WebSocketCodec::fail(CloseCode code) {
    over_ = true;
    message_ = Bytes();
    control_ = Bytes();
    handed_out_ = false;
    return Event{Event::Kind::failed, {}, code};
}

ServerFrameHeader server_frame_header(Opcode opcode, std::size_t payload_bytes) {
    ServerFrameHeader header;
    header.bytes[0] = static_cast<Byte>(0x80 | static_cast<unsigned>(opcode));
    std::size_t extended = 0;
    if (payload_bytes <= 125) {
        header.bytes[1] = static_cast<Byte>(payload_bytes);
    } else if (payload_bytes <= 0xffff) {
        header.bytes[1] = 126;
        extended = 2;
    } else {
        header.bytes[1] = 127;
        extended = 8;
    }
    for (std::size_t i = 0; i < extended; ++i) {
        header.bytes[2 + i] = static_cast<Byte>(static_cast<std::uint64_t>(payload_bytes) >> (8 * (extended - 1 - i)));
    }
    header.size = static_cast<std::uint8_t>(2 + extended);
    return header;
}

Bytes server_control_frame(Opcode opcode, BytesView payload) {
    if (payload.size() > longest_control_payload) throw std::length_error("a control frame holds at most 125 bytes");
    const auto header = server_frame_header(opcode, payload.size());
    Bytes frame(header.view().begin(), header.view().end());
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

Bytes server_close_frame(CloseCode code) {
    if (code == CloseCode::no_code) return server_control_frame(Opcode::close, {});
    const auto number = static_cast<std::uint16_t>(code);
    const ByteArray<2> payload{static_cast<Byte>(number >> 8), static_cast<Byte>(number & 0xff)};
    return server_control_frame(Opcode::close, payload);
}

}  // namespace melder::server
