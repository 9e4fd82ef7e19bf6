// The server's codec against an implementation that nobody here wrote, Boost.Beast, over real sockets and both ways:
// what Beast sends the codec reads, what the codec sends Beast reads.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <thread>

#include "core/limits.hpp"
#include "server/link/http_upgrade.hpp"
#include "server/link/websocket_codec.hpp"
#include "tests/server/link_client_frames.hpp"

namespace melder::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using asio::ip::tcp;
using Kind = WebSocketCodec::Event::Kind;

/// Accepts one connection and echoes its messages, by the codec alone. "close:1008" makes it close with that code.
class EchoServer {
public:
    explicit EchoServer(std::size_t longest_message)
        : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}), codec_(longest_message), thread_([this] {
              socket_ = acceptor_.accept();
              serve();
              // Beast waits for the end after its close, and unread bytes would turn it into a reset.
              boost::system::error_code code;
              socket_.shutdown(tcp::socket::shutdown_send, code);
              Bytes rest(1000);
              while (!code)
                  socket_.read_some(asio::buffer(rest), code);
          }) {}
    ~EchoServer() { join(); }
    void join() {
        if (thread_.joinable()) thread_.join();
    }
    [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

    // After join()
    CloseCode ended_with = CloseCode::no_code;
    bool failed = false;
    int pongs = 0;

private:
    void serve() {
        HttpUpgrade upgrade;
        bool upgraded = false;
        Bytes buffer(100'000);
        for (;;) {
            boost::system::error_code code;
            const auto read = socket_.read_some(asio::buffer(buffer), code);
            if (code) return;
            std::span<Byte> input(buffer.data(), read);
            if (!upgraded) {
                const auto state = upgrade.take(input);
                if (state == HttpUpgrade::State::need_more) continue;
                send(view(upgrade.response()));
                if (state == HttpUpgrade::State::refused) return;
                upgraded = true;
            }
            while (const auto event = codec_.next(input)) {
                if (!handle(*event)) return;
            }
        }
    }
    bool handle(const WebSocketCodec::Event& event) {
        switch (event.kind) {
            case Kind::message:
                if (const auto text = as_chars(event.payload); text.starts_with("close:")) {
                    send(server_close_frame(static_cast<CloseCode>(std::stoi(std::string(text.substr(6))))));
                } else {
                    send(server_frame_header(Opcode::binary, event.payload.size()).view());
                    send(event.payload);
                }
                return true;
            case Kind::ping:
                send(server_control_frame(Opcode::pong, event.payload));
                send(server_control_frame(Opcode::ping, view("are you there")));
                return true;
            case Kind::pong:
                pongs += as_chars(event.payload) == "are you there" ? 1 : 0;
                return true;
            case Kind::close:
            case Kind::failed:
                failed = event.kind == Kind::failed;
                ended_with = event.code;
                send(server_close_frame(event.code == CloseCode::no_code ? CloseCode::normal : event.code));
                return false;
        }
        return false;
    }
    void send(BytesView bytes) {
        boost::system::error_code ignored;
        asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored);
    }

    asio::io_context context_;
    tcp::acceptor acceptor_;
    tcp::socket socket_{context_};
    WebSocketCodec codec_;
    std::thread thread_;
};

class CodecAgainstBeast : public testing::Test {
protected:
    void connect(std::size_t longest_message = limits::message_bytes) {
        stream.reset();
        server = std::make_unique<EchoServer>(longest_message);
        stream = std::make_unique<websocket::stream<tcp::socket>>(context);
        stream->next_layer().connect(server->endpoint());
        stream->binary(true);
        if (offers_compression) {
            websocket::permessage_deflate offer;
            offer.client_enable = true;
            stream->set_option(offer);
        }
        stream->handshake(response, "melder", "/");
    }
    Bytes read() {
        beast::flat_buffer buffer;
        stream->read(buffer);
        EXPECT_TRUE(stream->got_binary());
        const auto data = buffer.cdata();
        return to_bytes({static_cast<const Byte*>(data.data()), data.size()});
    }
    void write(BytesView bytes) { stream->write(asio::buffer(bytes.data(), bytes.size())); }
    /// What Beast says when the server ended the conversation.
    boost::system::error_code read_end() {
        boost::system::error_code code;
        beast::flat_buffer buffer;
        while (!code)
            stream->read(buffer, code);
        return code;
    }

    bool offers_compression = false;
    websocket::response_type response;
    asio::io_context context;
    std::unique_ptr<EchoServer> server;  // ends when the client's socket does, which therefore dies first
    std::unique_ptr<websocket::stream<tcp::socket>> stream;
};

TEST_F(CodecAgainstBeast, messages_of_every_length_form_go_there_and_back) {
    connect();
    for (const std::size_t size : {0UL, 1UL, 125UL, 126UL, 127UL, 65535UL, 65536UL, limits::message_bytes}) {
        const auto message = test::pattern(size);
        write(message);
        EXPECT_EQ(read(), message) << size;
    }
    stream->close(websocket::close_code::normal);
}

TEST_F(CodecAgainstBeast, beasts_fragments_make_one_message_with_pings_in_between) {
    connect();
    int pongs = 0;
    stream->control_callback([&](websocket::frame_type kind, beast::string_view payload) {
        if (kind == websocket::frame_type::pong && payload == "hello") ++pongs;
    });
    const auto message = test::pattern(1000);
    for (std::size_t at = 0; at < message.size(); at += 100) {
        stream->write_some(at + 100 == message.size(), asio::buffer(message.data() + at, 100));
        if (at == 300) stream->ping("hello");
    }
    EXPECT_EQ(read(), message);
    EXPECT_EQ(pongs, 1);
    // The server pinged as well; Beast's answer went out while it read.
    stream->close(websocket::close_code::normal);
    server->join();
    EXPECT_EQ(server->pongs, 1);
}

TEST_F(CodecAgainstBeast, automatic_fragments_of_a_large_message_arrive_whole) {
    connect();
    stream->auto_fragment(true);
    stream->write_buffer_bytes(512);
    const auto message = test::pattern(limits::message_bytes);
    write(message);
    EXPECT_EQ(read(), message);
    stream->close(websocket::close_code::normal);
}

TEST_F(CodecAgainstBeast, the_codec_reads_the_codes_that_beast_closes_with) {
    for (const auto code : {1000, 1001, 1002, 1008, 1011, 3000, 4999}) {
        connect();
        stream->close(websocket::close_reason(static_cast<websocket::close_code>(code), "with words"));
        server->join();
        EXPECT_EQ(static_cast<int>(server->ended_with), code);
        EXPECT_FALSE(server->failed);
    }
    connect();
    stream->close(websocket::close_code::none);
    server->join();
    EXPECT_EQ(server->ended_with, CloseCode::no_code);
}

TEST_F(CodecAgainstBeast, beast_reads_the_codes_that_the_codec_closes_with) {
    for (const auto code : {1000, 1001, 1002, 1003, 1008, 1009, 1011}) {
        connect();
        write(view("close:" + std::to_string(code)));
        EXPECT_EQ(read_end(), websocket::error::closed);
        EXPECT_EQ(static_cast<int>(stream->reason().code), code);
    }
}

TEST_F(CodecAgainstBeast, text_is_refused_with_1003) {
    connect();
    stream->text(true);
    write(view("words"));
    EXPECT_EQ(read_end(), websocket::error::closed);
    EXPECT_EQ(stream->reason().code, websocket::close_code::unknown_data);  // Beast's name of 1003
}

TEST_F(CodecAgainstBeast, one_byte_over_the_limit_is_1009_whole_and_in_fragments) {
    for (const auto limit : {limits::message_before_welcome_bytes, limits::message_bytes}) {
        for (const bool fragments : {false, true}) {
            connect(limit);
            stream->auto_fragment(fragments);
            const auto fits = test::pattern(limit);
            write(fits);
            EXPECT_EQ(read(), fits);
            boost::system::error_code ignored;  // the server may be gone before the last byte left
            stream->write(asio::buffer(test::pattern(limit + 1)), ignored);
            stream.reset();
            server->join();
            EXPECT_TRUE(server->failed);
            EXPECT_EQ(server->ended_with, CloseCode::too_big);
        }
    }
}

TEST_F(CodecAgainstBeast, compression_is_offered_and_not_taken) {
    offers_compression = true;
    connect();
    EXPECT_EQ(response.count(beast::http::field::sec_websocket_extensions), 0U);
    const Bytes message(5000, 'a');
    write(message);
    EXPECT_EQ(read(), message);
    stream->close(websocket::close_code::normal);
}

}  // namespace
}  // namespace melder::server
