#include "relay/deliver_frame.hpp"

namespace melder::relay {
namespace {

// Field numbers of proto/link.proto; a test compares with protobuf's own encoding.
constexpr std::uint64_t frame_deliver = 33;
constexpr std::uint64_t deliver_envelopes = 1;
constexpr std::uint64_t delivery_lane = 1, delivery_id = 2, delivery_body = 3, delivery_header = 4,
                        delivery_sequence = 5;

std::size_t varint_bytes(std::uint64_t value) {
    std::size_t bytes = 1;
    while (value >>= 7)
        ++bytes;
    return bytes;
}
void append_varint(Bytes& out, std::uint64_t value) {
    while (value >= 0x80) {
        out.push_back(static_cast<Byte>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<Byte>(value));
}
void append_length(Bytes& out, std::uint64_t field, std::size_t length) {
    append_varint(out, field << 3 | 2);
    append_varint(out, length);
}
void append_bytes(Bytes& out, std::uint64_t field, std::string_view bytes) {
    append_length(out, field, bytes.size());
    out.insert(out.end(), bytes.begin(), bytes.end());
}
std::size_t field_bytes(std::size_t length) {
    return 1 + varint_bytes(length) + length;
}

}  // namespace

Bytes encode_deliver_frame(const Envelope& envelope, std::uint64_t sequence) {
    const std::string_view body = envelope.body->encoded;
    const std::size_t delivery = 2 + field_bytes(EnvelopeId::size_bytes) + field_bytes(body.size()) +
                                 field_bytes(envelope.header.size()) + (sequence != 0 ? 1 + varint_bytes(sequence) : 0);
    Bytes out;
    out.reserve(delivery + 16);
    append_length(out, frame_deliver, field_bytes(delivery));
    append_length(out, deliver_envelopes, delivery);
    append_varint(out, delivery_lane << 3);
    append_varint(out, static_cast<std::uint64_t>(envelope.lane));
    append_bytes(out, delivery_id, envelope.id.chars());
    append_bytes(out, delivery_body, body);
    append_bytes(out, delivery_header, envelope.header);
    if (sequence != 0) {
        append_varint(out, delivery_sequence << 3);
        append_varint(out, sequence);
    }
    return out;
}

}  // namespace melder::relay
