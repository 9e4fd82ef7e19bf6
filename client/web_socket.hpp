#pragma once
// A WebSocket over TLS over a ByteStream. Beast stays behind this header: it compiles in one file. Internal to client.

#include <memory>

#include "client/tls_stream.hpp"

namespace melder::client {

/// On the executor only. One read, one write, one ping and one close may be outstanding together.
class WebSocket {
public:
    using Done = ByteStream::Done;
    using MessageDone = std::function<void(Result<BytesView>)>;

    WebSocket(const boost::asio::any_io_executor& executor, std::unique_ptr<ByteStream> transport,
              const std::string& host);
    ~WebSocket();  ///< cancel()
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    /// Transport, TLS and the HTTP upgrade. `network`, `tls`, or `malformed` when the answer is no upgrade.
    void connect(const std::string& host, std::uint16_t port, Done done);
    /// One whole binary message, valid until the next read. `too_large`, `malformed`, `closed`, `network`.
    void read(MessageDone done);
    /// `message` lives until the completion.
    void write(BytesView message, Done done);
    void ping(Done done);
    void close(Done done);
    void cancel();

    void set_longest_message(std::size_t bytes);
    [[nodiscard]] const TlsStream& tls() const noexcept;
    void on_path_changed(std::function<void()> changed);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace melder::client
