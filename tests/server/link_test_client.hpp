#pragma once
// A client of the link made of OpenSSL and hand-made frames: blocking, five seconds of patience, no code of the SDK.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <openssl/types.h>

#include "core/transcript.hpp"
#include "proto/link.pb.h"
#include "server/link/websocket_codec.hpp"

namespace melder::server::test {

class LinkTestClient {
public:
    explicit LinkTestClient(std::uint16_t port, int receive_buffer_bytes = 0);
    ~LinkTestClient();
    LinkTestClient(const LinkTestClient&) = delete;
    LinkTestClient& operator=(const LinkTestClient&) = delete;

    /// False: refused. `version` is a TLS version number of OpenSSL.
    bool handshake(int version = 0);
    /// Sends the upgrade, reads the 101 and the server's Hello.
    bool upgrade();
    /// handshake and upgrade.
    bool open() { return handshake() && upgrade(); }

    [[nodiscard]] const std::string& hello() const { return hello_; }
    [[nodiscard]] TlsExporter exporter() const;

    void send_raw(BytesView bytes);
    void send(const std::vector<wire::Frame>& frames);
    void send(const wire::Frame& frame) { send(std::vector{frame}); }

    /// The next link frame; nothing when the server closed (see close_code) or the patience ran out.
    std::optional<wire::Frame> read();
    /// Reads to the end of the connection. True: it did end.
    bool read_to_end();
    [[nodiscard]] std::uint16_t close_code() const { return close_code_; }
    [[nodiscard]] std::size_t pings() const { return pings_; }
    [[nodiscard]] std::size_t largest_message() const { return largest_message_; }
    [[nodiscard]] std::size_t messages() const { return messages_; }
    void answer_pings(bool yes) { answer_pings_ = yes; }

private:
    bool read_exactly(std::span<Byte> out);
    bool read_websocket_frame();

    int socket_ = -1;
    SSL_CTX* context_ = nullptr;
    SSL* ssl_ = nullptr;
    std::string hello_;
    std::vector<wire::Frame> frames_;
    std::size_t next_frame_ = 0;
    std::uint16_t close_code_ = 0;
    std::size_t pings_ = 0;
    std::size_t largest_message_ = 0;
    std::size_t messages_ = 0;
    bool ended_ = false;
    bool answer_pings_ = true;
};

}  // namespace melder::server::test
