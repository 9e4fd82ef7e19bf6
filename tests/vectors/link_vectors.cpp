#include "core/crypto.hpp"
#include "core/envelope.hpp"
#include "core/frame_codec.hpp"
#include "core/transcript.hpp"
#include "proto/link.pb.h"
#include "server/link/http_upgrade.hpp"
#include "server/link/websocket_codec.hpp"
#include "tests/server/link_client_frames.hpp"
#include "tests/vectors/vectors.hpp"

namespace melder::vectors {

namespace {

Bytes concatenated(std::initializer_list<BytesView> parts) {
    Bytes out;
    for (const auto& part : parts)
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

Bytes encoded_ack(std::uint32_t request, std::size_t ids) {
    wire::Frame frame;
    frame.set_request(request);
    frame.mutable_ack();
    for (std::size_t i = 0; i < ids; ++i)
        frame.mutable_ack()->add_envelopes()->set_envelope_id(std::string(16, static_cast<char>(i + 1)));
    const auto text = frame.SerializeAsString();
    return to_bytes(view(text));
}

void write_batching(Pen& pen) {
    pen.begin("link frames in one message");
    const auto one = pen.given("frame_1", encoded_ack(0, 1));
    const auto two = pen.given("frame_2", encoded_ack(300, 8));
    Bytes message;
    append_frame(message, one);
    append_frame(message, two);
    pen.require(one.size() < 128 && two.size() >= 128, "one length has one byte, the other two");
    pen.require(
        equal(message,
              concatenated({Bytes{static_cast<Byte>(one.size())}, one,
                            Bytes{static_cast<Byte>((two.size() & 0x7f) | 0x80), static_cast<Byte>(two.size() >> 7)},
                            two})),
        "a frame is its length as a varint, then its bytes");
    pen.equals("message", message);
    FrameReader reader(message);
    pen.require(equal(*reader.next().value(), one) && equal(*reader.next().value(), two), "the frames are read back");
    pen.require(!reader.next().value().has_value(), "nothing follows");
}

void write_websocket(Pen& pen) {
    using server::test::encode;
    pen.begin("websocket, a client's frames");
    const auto mask = pen.given_random("mask", 4);
    const auto payload = pen.given_random("payload", 20);
    server::test::ClientFrame whole{.mask = to_array<4>(mask).value()};
    auto first = whole;
    first.final = false;
    auto last = whole;
    last.opcode = server::Opcode::continuation;
    auto ping = whole;
    ping.opcode = server::Opcode::ping;
    pen.equals("whole", encode(whole, payload));
    auto pieces = concatenated({encode(first, BytesView(payload).first(7)), encode(ping, view("hi")),
                                encode(last, BytesView(payload).subspan(7))});
    pen.equals("in_two_fragments_around_a_ping", pieces);
    server::WebSocketCodec codec(1024);
    std::span<Byte> input(pieces);
    const auto heard = codec.next(input);
    pen.require(heard && heard->kind == server::WebSocketCodec::Event::Kind::ping, "the ping comes first");
    const auto read = codec.next(input);
    pen.require(read && equal(read->payload, payload), "the fragments make the message");

    pen.begin("websocket, a server's frames");
    for (const std::uint64_t size : {0, 125, 126, 65535, 65536}) {
        const auto length = pen.given_number("payload_bytes", size);
        pen.equals("header", server::server_frame_header(server::Opcode::binary, length).view());
    }
    pen.equals("pong_hi", server::server_control_frame(server::Opcode::pong, view("hi")));
    pen.equals("close_1008", server::server_close_frame(server::CloseCode::policy));

    pen.begin("websocket, the upgrade");
    // The key and its answer are those of RFC 6455, section 1.3.
    const auto key = pen.given_text("sec_websocket_key", "dGhlIHNhbXBsZSBub25jZQ==");
    const auto request =
        "GET / HTTP/1.1\r\nHost: melder\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
        key + "\r\n\r\n";
    auto bytes = to_bytes(view(request));
    std::span<Byte> rest(bytes);
    server::HttpUpgrade upgrade;
    pen.require(upgrade.take(rest) == server::HttpUpgrade::State::accepted, "the upgrade is accepted");
    const std::string_view response = upgrade.response();
    constexpr std::string_view field = "Sec-WebSocket-Accept: ";
    const auto at = response.find(field);
    pen.require(at != std::string_view::npos, "the answer accepts");
    pen.equals_text("sec_websocket_accept", response.substr(at + field.size(), 28));
}

void write_transcripts(Pen& pen) {
    pen.begin("login transcript");
    const auto exporter = pen.given_random("exporter", 32);
    const auto hello = pen.given_random("hello", 40);
    const auto body = pen.given_random("body", 50);
    for (const auto context : {Context::login, Context::admin_login, Context::enrol}) {
        const auto text = pen.given_text("context", text_of(context));
        const auto by_hand = concatenated(
            {view(text), Bytes{0}, exporter, sha256(BytesView(hello)).view(), sha256(BytesView(body)).view()});
        pen.equals("transcript", by_hand);
        pen.require(equal(by_hand, login_transcript(context, to_array<32>(exporter).value(), hello, body)),
                    "the library's transcript is the same");
    }
}

}  // namespace

void write_link(Pen& pen) {
    write_batching(pen);
    write_websocket(pen);
    write_transcripts(pen);
}

}  // namespace melder::vectors
