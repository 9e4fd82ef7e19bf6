#pragma once
// RFC 6455 from the server's side, without I/O: client frames in, server frames out. Binary messages only. A codec
// between two frames owns no memory: a message that arrives whole is handed out where it lies in the caller's buffer.

#include <cstdint>
#include <optional>
#include <span>

#include "core/bytes.hpp"

namespace melder::server {

/// RFC 6455 §7.4.1.
enum class CloseCode : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    no_code = 1005,  ///< never sent: the peer's close frame carried none
    policy = 1008,
    too_big = 1009,
    internal_error = 1011
};

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

class WebSocketCodec {
public:
    struct Event {
        enum class Kind : std::uint8_t {
            message,  ///< `payload` is a whole binary message
            ping,     ///< answer with a pong of the same `payload`
            pong,
            close,  ///< the peer closes with `code`; nothing follows
            failed  ///< the peer broke the protocol: close with `code`; nothing follows
        };
        Kind kind;
        BytesView payload;  ///< until the next call; lies in the caller's input or in the codec
        CloseCode code = CloseCode::normal;
    };

    explicit WebSocketCodec(std::size_t longest_message) : longest_message_(longest_message) {}

    /// The limit for messages whose first frame has not begun.
    void set_longest_message(std::size_t bytes) noexcept { longest_message_ = bytes; }

    /// Takes bytes off the front of `input` (unmasking them in place) until there is an event or no input left.
    /// After `close` or `failed` it swallows whatever comes.
    [[nodiscard]] std::optional<Event> next(std::span<Byte>& input);

    /// Bytes kept for a message that has not arrived whole.
    [[nodiscard]] std::size_t kept_bytes() const noexcept { return message_.capacity() + control_.capacity(); }

private:
    [[nodiscard]] bool take_header(std::span<Byte>& input);
    [[nodiscard]] std::optional<CloseCode> check_start() const;
    [[nodiscard]] std::optional<CloseCode> begin_payload();
    [[nodiscard]] std::optional<Event> take_payload(std::span<Byte>& input);
    [[nodiscard]] std::optional<Event> finish_frame(BytesView payload);
    [[nodiscard]] Event fail(CloseCode code);
    [[nodiscard]] std::size_t header_needed() const;
    [[nodiscard]] bool is_control() const noexcept { return (header_[0] & 0x08) != 0; }
    [[nodiscard]] bool is_final() const noexcept { return (header_[0] & 0x80) != 0; }
    [[nodiscard]] Opcode opcode() const noexcept { return static_cast<Opcode>(header_[0] & 0x0f); }

    Bytes message_;  ///< of a message in several frames or reads
    Bytes control_;  ///< of a control frame in several reads
    std::size_t longest_message_;
    std::size_t remaining_ = 0;  ///< payload bytes of the present frame still to come
    ByteArray<14> header_{};
    ByteArray<4> mask_{};
    std::uint8_t header_size_ = 0;
    std::uint8_t mask_offset_ = 0;
    bool in_payload_ = false;
    bool in_message_ = false;  ///< a first frame without FIN came
    bool handed_out_ = false;  ///< the last event's payload lies in message_ or control_
    bool over_ = false;
};

/// The header of an unmasked final server frame: 2, 4 or 10 bytes.
struct ServerFrameHeader {
    ByteArray<10> bytes{};
    std::uint8_t size = 0;
    [[nodiscard]] BytesView view() const noexcept { return BytesView(bytes).first(size); }
};
[[nodiscard]] ServerFrameHeader server_frame_header(Opcode opcode, std::size_t payload_bytes);

/// A whole control frame; at most 125 bytes of payload.
[[nodiscard]] Bytes server_control_frame(Opcode opcode, BytesView payload);
[[nodiscard]] Bytes server_close_frame(CloseCode code);

}  // namespace melder::server
