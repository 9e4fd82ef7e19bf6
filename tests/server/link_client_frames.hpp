#pragma once
// Hand-made client frames, right ones and wrong ones.

#include <initializer_list>

#include "core/bytes.hpp"
#include "server/link/websocket_codec.hpp"

namespace melder::server::test {

struct ClientFrame {
    Opcode opcode = Opcode::binary;
    bool final = true;
    bool masked = true;
    unsigned reserved = 0;         ///< RSV1–3, as the low three bits
    int length_form = 0;           ///< 0: the shortest; 2 or 8: so many extended bytes
    std::uint64_t length = ~0ULL;  ///< what the header claims; ~0: the truth
    ByteArray<4> mask{0x12, 0x34, 0x56, 0x78};
};

inline Bytes encode(const ClientFrame& frame, BytesView payload = {}) {
    Bytes out;
    out.push_back(
        static_cast<Byte>((frame.final ? 0x80U : 0U) | frame.reserved << 4 | static_cast<unsigned>(frame.opcode)));
    const auto length = frame.length == ~0ULL ? payload.size() : frame.length;
    const int form = frame.length_form != 0 ? frame.length_form : length <= 125 ? 0 : length <= 0xffff ? 2 : 8;
    const unsigned masked = frame.masked ? 0x80 : 0;
    out.push_back(static_cast<Byte>(masked | (form == 0 ? static_cast<unsigned>(length) : form == 2 ? 126U : 127U)));
    for (int i = form - 1; i >= 0; --i)
        out.push_back(static_cast<Byte>(length >> (8 * i)));
    if (frame.masked) out.insert(out.end(), frame.mask.begin(), frame.mask.end());
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out.push_back(frame.masked ? static_cast<Byte>(payload[i] ^ frame.mask[i % 4]) : payload[i]);
    }
    return out;
}

inline Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const auto& part : parts)
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

/// Bytes that differ from place to place, so that a wrong offset shows.
inline Bytes pattern(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<Byte>(i * 7 + i / 251);
    return out;
}

}  // namespace melder::server::test
