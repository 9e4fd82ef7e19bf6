#pragma once
// A WebSocket client over TLS: binary messages out and in. Beast's implementation, behind this face so that one file
// compiles it.
//
// Threads: as ByteStream. Handlers come on the executor, never from inside the call.

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "client/tls_stream.hpp"

namespace melder::client {

class WebSocket {
public:
    WebSocket(boost::asio::any_io_executor executor, std::shared_ptr<TlsStream> tls);
    /// close_now().
    ~WebSocket();
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    using Done = std::function<void(Result<void>)>;
    /// The HTTP upgrade; `network` if the server declines.
    void handshake(const std::string& host, Done done);
    using MessageDone = std::function<void(Result<BytesView>)>;
    /// The next message, at most limits::message_bytes (`too_large`); valid until the next call. `closed` after a close
    /// frame, `network` when the connection broke. Pings are answered on the way.
    void read(MessageDone done);
    /// One message, which stays valid until the handler; one at a time.
    void write(BytesView message, Done done);
    /// Sends a close frame, then closes the stream.
    void close(Done done);
    /// Without a word.
    void close_now() noexcept;

    /// Called for every frame of any kind that arrives: the peer lives. Set before the handshake.
    std::function<void()> on_life;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace melder::client
