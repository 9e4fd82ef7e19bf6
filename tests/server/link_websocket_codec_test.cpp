#include "server/link/websocket_codec.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "tests/server/link_client_frames.hpp"

namespace melder::server {
namespace {

using Kind = WebSocketCodec::Event::Kind;
using test::ClientFrame;
using test::encode;
using test::joined;
using test::pattern;

/// An event with its payload copied, since the codec's view dies.
struct Seen {
    Kind kind;
    Bytes payload;
    CloseCode code;
};

/// Feeds the stream in pieces of `piece` bytes.
std::vector<Seen> run(WebSocketCodec& codec, Bytes stream, std::size_t piece = ~std::size_t{0}) {
    std::vector<Seen> out;
    std::span<Byte> rest(stream);
    while (!rest.empty()) {
        auto input = rest.first(std::min(piece, rest.size()));
        rest = rest.subspan(input.size());
        while (const auto event = codec.next(input))
            out.push_back({event->kind, to_bytes(event->payload), event->code});
        EXPECT_TRUE(input.empty());
    }
    return out;
}

std::vector<Seen> run(const Bytes& stream) {
    WebSocketCodec codec(limits::message_bytes);
    return run(codec, stream);
}

void expect_failure(const Bytes& stream, CloseCode code) {
    const auto seen = run(stream);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.back().kind, Kind::failed);
    EXPECT_EQ(seen.back().code, code);
}

class MessageOfSize : public ::testing::TestWithParam<std::size_t> {};

TEST_P(MessageOfSize, arrives_whole_however_the_stream_is_cut) {
    const auto payload = pattern(GetParam());
    const auto stream = joined({encode({}, payload), encode({}, payload)});
    for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 1000UL, 1UL << 20}) {
        if (piece < 7 && payload.size() > 1000) continue;
        WebSocketCodec codec(limits::message_bytes);
        const auto seen = run(codec, stream, piece);
        ASSERT_EQ(seen.size(), 2U) << piece;
        for (const auto& event : seen) {
            EXPECT_EQ(event.kind, Kind::message);
            EXPECT_EQ(event.payload, payload) << piece;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(WebSocketCodec, MessageOfSize,
                         ::testing::Values(0, 1, 3, 4, 7, 8, 9, 125, 126, 127, 1000, 65535, 65536, 128 * 1024));

TEST(WebSocketCodec, a_message_in_fragments_is_put_together_with_control_frames_between_them) {
    const auto whole = pattern(300);
    const BytesView view(whole);
    const auto stream =
        joined({encode({.final = false}, view.first(100)), encode({.opcode = Opcode::ping}, pattern(5)),
                encode({.opcode = Opcode::continuation, .final = false}, view.subspan(100, 100)),
                encode({.opcode = Opcode::continuation, .final = false}), encode({.opcode = Opcode::pong}),
                encode({.opcode = Opcode::continuation}, view.subspan(200))});
    for (const std::size_t piece : {1UL, 5UL, 4096UL}) {
        WebSocketCodec codec(limits::message_bytes);
        const auto seen = run(codec, stream, piece);
        ASSERT_EQ(seen.size(), 3U);
        EXPECT_EQ(seen[0].kind, Kind::ping);
        EXPECT_EQ(seen[0].payload, pattern(5));
        EXPECT_EQ(seen[1].kind, Kind::pong);
        EXPECT_EQ(seen[2].kind, Kind::message);
        EXPECT_EQ(seen[2].payload, whole);
    }
}

TEST(WebSocketCodec, every_mask_is_undone) {
    for (const ByteArray<4> mask :
         {ByteArray<4>{0, 0, 0, 0}, ByteArray<4>{255, 255, 255, 255}, ByteArray<4>{1, 2, 3, 4}}) {
        const auto seen = run(encode({.mask = mask}, pattern(61)));
        ASSERT_EQ(seen.size(), 1U);
        EXPECT_EQ(seen[0].payload, pattern(61));
    }
}

TEST(WebSocketCodec, an_unmasked_frame_is_a_protocol_error) {
    expect_failure(encode({.masked = false}, pattern(10)), CloseCode::protocol_error);
}

TEST(WebSocketCodec, reserved_bits_are_a_protocol_error) {
    for (const unsigned bits : {1U, 2U, 4U})
        expect_failure(encode({.reserved = bits}, pattern(1)), CloseCode::protocol_error);
}

TEST(WebSocketCodec, unknown_opcodes_are_a_protocol_error) {
    for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
        expect_failure(encode({.opcode = static_cast<Opcode>(opcode)}), CloseCode::protocol_error);
    }
}

TEST(WebSocketCodec, text_is_refused_as_unsupported_data) {
    expect_failure(encode({.opcode = Opcode::text}, pattern(3)), CloseCode::unsupported_data);
}

TEST(WebSocketCodec, a_continuation_without_a_beginning_is_a_protocol_error) {
    expect_failure(encode({.opcode = Opcode::continuation}, pattern(3)), CloseCode::protocol_error);
    expect_failure(joined({encode({}, pattern(3)), encode({.opcode = Opcode::continuation}, pattern(3))}),
                   CloseCode::protocol_error);
}

TEST(WebSocketCodec, a_new_message_inside_another_is_a_protocol_error) {
    expect_failure(joined({encode({.final = false}, pattern(3)), encode({}, pattern(3))}), CloseCode::protocol_error);
}

TEST(WebSocketCodec, control_frames_are_neither_long_nor_fragmented) {
    for (const auto opcode : {Opcode::ping, Opcode::pong, Opcode::close}) {
        expect_failure(encode({.opcode = opcode}, pattern(126)), CloseCode::protocol_error);
        expect_failure(encode({.opcode = opcode, .final = false}, pattern(2)), CloseCode::protocol_error);
    }
    const auto seen = run(encode({.opcode = Opcode::ping}, pattern(125)));
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].payload, pattern(125));
}

TEST(WebSocketCodec, a_length_that_is_not_in_its_shortest_form_is_a_protocol_error) {
    expect_failure(encode({.length_form = 2}, pattern(125)), CloseCode::protocol_error);
    expect_failure(encode({.length_form = 8}, pattern(125)), CloseCode::protocol_error);
    expect_failure(encode({.length_form = 8}, pattern(65535)), CloseCode::protocol_error);
    expect_failure(encode({.length_form = 8, .length = 1ULL << 63}), CloseCode::protocol_error);
}

TEST(WebSocketCodec, a_message_over_the_limit_is_refused_by_its_header_alone) {
    expect_failure(encode({.length = limits::message_bytes + 1}), CloseCode::too_big);
    expect_failure(encode({.length = (1ULL << 63) - 1}), CloseCode::too_big);
}

TEST(WebSocketCodec, fragments_together_do_not_exceed_the_limit_either) {
    WebSocketCodec codec(100);
    auto seen = run(
        codec, joined({encode({.final = false}, pattern(60)), encode({.opcode = Opcode::continuation}, pattern(40))}));
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].kind, Kind::message);
    seen = run(codec,
               joined({encode({.final = false}, pattern(60)), encode({.opcode = Opcode::continuation}, pattern(41))}));
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].kind, Kind::failed);
    EXPECT_EQ(seen[0].code, CloseCode::too_big);
}

TEST(WebSocketCodec, the_limit_may_be_raised_after_login) {
    WebSocketCodec codec(limits::message_before_welcome_bytes);
    EXPECT_EQ(run(codec, encode({}, pattern(16 * 1024))).at(0).kind, Kind::message);
    codec.set_longest_message(limits::message_bytes);
    EXPECT_EQ(run(codec, encode({}, pattern(128 * 1024))).at(0).kind, Kind::message);
    WebSocketCodec strict(limits::message_before_welcome_bytes);
    EXPECT_EQ(run(strict, encode({}, pattern(16 * 1024 + 1))).at(0).code, CloseCode::too_big);
}

TEST(WebSocketCodec, close_frames_are_read_strictly) {
    const auto seen_none = run(encode({.opcode = Opcode::close}));
    ASSERT_EQ(seen_none.size(), 1U);
    EXPECT_EQ(seen_none[0].kind, Kind::close);
    EXPECT_EQ(seen_none[0].code, CloseCode::no_code);
    const auto seen = run(encode({.opcode = Opcode::close}, Bytes{0x03, 0xe9, 'b', 'y', 'e'}));
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].kind, Kind::close);
    EXPECT_EQ(seen[0].code, CloseCode::going_away);
    expect_failure(encode({.opcode = Opcode::close}, Bytes{0x03}), CloseCode::protocol_error);
    for (const std::uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000}) {
        const Bytes payload{static_cast<Byte>(code >> 8), static_cast<Byte>(code & 0xff)};
        expect_failure(encode({.opcode = Opcode::close}, payload), CloseCode::protocol_error);
    }
}

TEST(WebSocketCodec, nothing_follows_a_close_or_a_failure) {
    EXPECT_EQ(run(joined({encode({.opcode = Opcode::close}), encode({}, pattern(3))})).size(), 1U);
    EXPECT_EQ(run(joined({encode({.masked = false}), encode({}, pattern(3))})).size(), 1U);
}

TEST(WebSocketCodec, owns_no_memory_between_two_messages) {
    WebSocketCodec codec(limits::message_bytes);
    const auto stream = joined({encode({.final = false}, pattern(5000)), encode({.opcode = Opcode::ping}, pattern(50)),
                                encode({.opcode = Opcode::continuation}, pattern(5000))});
    EXPECT_EQ(run(codec, stream, 100).size(), 2U);
    EXPECT_EQ(codec.kept_bytes(), 0U);
}

TEST(WebSocketCodec, a_claimed_length_costs_no_memory_before_the_bytes_are_here) {
    WebSocketCodec codec(limits::message_bytes);
    auto stream = encode({.length = limits::message_bytes}, pattern(10));
    EXPECT_TRUE(run(codec, stream).empty());
    EXPECT_LE(codec.kept_bytes(), 64U);
}

TEST(ServerFrame, headers_use_the_shortest_form) {
    EXPECT_EQ(to_bytes(server_frame_header(Opcode::binary, 125).view()), (Bytes{0x82, 125}));
    EXPECT_EQ(to_bytes(server_frame_header(Opcode::binary, 126).view()), (Bytes{0x82, 126, 0, 126}));
    EXPECT_EQ(to_bytes(server_frame_header(Opcode::binary, 65535).view()), (Bytes{0x82, 126, 0xff, 0xff}));
    EXPECT_EQ(to_bytes(server_frame_header(Opcode::binary, 65536).view()), (Bytes{0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(ServerFrame, a_close_frame_carries_its_code) {
    EXPECT_EQ(server_close_frame(CloseCode::too_big), (Bytes{0x88, 2, 0x03, 0xf1}));
    EXPECT_EQ(server_close_frame(CloseCode::no_code), (Bytes{0x88, 0}));
}

}  // namespace
}  // namespace melder::server
