#include "tests/server/link_test_client.hpp"

#include <csignal>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/frame_codec.hpp"
#include "tests/server/link_client_frames.hpp"

namespace melder::server::test {

LinkTestClient::LinkTestClient(std::uint16_t port, int receive_buffer_bytes) {
    std::signal(SIGPIPE, SIG_IGN);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer_bytes > 0) {
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket_);
        socket_ = -1;
    }
}

LinkTestClient::~LinkTestClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    if (socket_ >= 0) ::close(socket_);
}

bool LinkTestClient::handshake(int version) {
    ERR_clear_error();
    context_ = SSL_CTX_new(TLS_client_method());
    if (version != 0) SSL_CTX_set_max_proto_version(context_, version);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket_);
    return SSL_connect(ssl_) == 1;
}

bool LinkTestClient::upgrade() {
    send_raw(
        view("GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
    std::string response;
    while (!response.ends_with("\r\n\r\n")) {
        Byte byte = 0;
        if (!read_exactly({&byte, 1})) return false;
        response += static_cast<char>(byte);
    }
    if (!response.starts_with("HTTP/1.1 101 ")) return false;
    const auto frame = read();
    if (!frame.has_value() || !frame->has_hello()) return false;
    hello_ = frame->hello();
    return true;
}

TlsExporter LinkTestClient::exporter() const {
    TlsExporter out{};
    SSL_export_keying_material(ssl_, out.data(), out.size(), exporter_label.data(), exporter_label.size(), nullptr, 0,
                               1);
    return out;
}

void LinkTestClient::send_raw(BytesView bytes) {
    ERR_clear_error();
    if (!bytes.empty()) SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
}

void LinkTestClient::send(const std::vector<wire::Frame>& frames) {
    Bytes message;
    for (const auto& frame : frames)
        append_frame(message, frame, frame.ByteSizeLong());
    send_raw(encode({}, message));
}

bool LinkTestClient::read_exactly(std::span<Byte> out) {
    ERR_clear_error();
    while (!out.empty()) {
        const int n = SSL_read(ssl_, out.data(), static_cast<int>(out.size()));
        if (n <= 0) {
            const int error = SSL_get_error(ssl_, n);
            ended_ = error == SSL_ERROR_ZERO_RETURN || (error != SSL_ERROR_WANT_READ && errno != EAGAIN);
            return false;
        }
        out = out.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

/// One whole server frame. False: no more come.
bool LinkTestClient::read_websocket_frame() {
    ByteArray<2> start{};
    if (!read_exactly(start)) return false;
    std::uint64_t length = start[1];  // servers do not mask
    if (length >= 126) {
        Bytes extended(length == 126 ? 2 : 8);
        if (!read_exactly(extended)) return false;
        length = 0;
        for (const auto byte : extended)
            length = length << 8 | byte;
    }
    Bytes payload(length);
    if (!read_exactly(payload)) return false;
    switch (static_cast<Opcode>(start[0] & 0x0f)) {
        case Opcode::binary: {
            largest_message_ = std::max(largest_message_, payload.size());
            ++messages_;
            FrameReader reader(payload);
            for (auto next = reader.next(); next.has_value() && next->has_value(); next = reader.next()) {
                frames_.emplace_back().ParseFromArray((*next)->data(), static_cast<int>((*next)->size()));
            }
            return true;
        }
        case Opcode::ping:
            ++pings_;
            if (answer_pings_) send_raw(encode({.opcode = Opcode::pong}, payload));
            return true;
        case Opcode::close:
            if (payload.size() >= 2) close_code_ = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
            return true;
        default:
            return true;
    }
}

std::optional<wire::Frame> LinkTestClient::read() {
    while (next_frame_ == frames_.size()) {
        frames_.clear();
        next_frame_ = 0;
        if (close_code_ != 0 || !read_websocket_frame()) return std::nullopt;
    }
    return frames_[next_frame_++];
}

bool LinkTestClient::read_to_end() {
    while (!ended_ && read_websocket_frame())
        frames_.clear();
    next_frame_ = 0;
    return ended_;
}

}  // namespace melder::server::test
