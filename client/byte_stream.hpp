#pragma once
// What the link runs over: an ordered stream of bytes to a host. The default is a TCP socket; on iOS the Swift package
// supplies Network.framework, because managed phones use per-app VPN and proxies that raw sockets miss. TLS lies above
// it everywhere, so a ByteStream needs no secret and is never trusted.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "core/bytes.hpp"

namespace melder::client {

/// Threads: every call is made on the executor that the factory was given, and every completion must be called on it,
/// never from within the call that asked for it. At most one read and one write are outstanding; buffers live until
/// their completion. A stream is opened once.
class ByteStream {
public:
    using Done = std::function<void(Result<void>)>;
    using ReadDone = std::function<void(Result<std::size_t>)>;

    /// Outstanding completions may be dropped or called with `cancelled`; the owner has forgotten them.
    virtual ~ByteStream() = default;
    /// Resolves the name and connects. `network` if neither works; the detail never names the host.
    virtual void open(const std::string& host, std::uint16_t port, Done done) = 0;
    /// At least one byte, or `closed` when the peer ended the stream, or `network`.
    virtual void read_some(std::span<Byte> out, ReadDone done) = 0;
    /// All of `bytes`, or `network`.
    virtual void write(BytesView bytes, Done done) = 0;
    /// Ends everything outstanding with `cancelled`. Idempotent.
    virtual void close() noexcept = 0;
    /// Called when the way to the host may have changed (Wi-Fi to cellular): the link then checks whether the peer
    /// still answers. A stream that can't know never calls it.
    virtual void on_path_changed(std::function<void()> changed) = 0;
};

using ByteStreamFactory = std::function<std::unique_ptr<ByteStream>(const boost::asio::any_io_executor&)>;

/// A TCP socket with TCP_NODELAY; tries every address of the name in turn.
[[nodiscard]] std::unique_ptr<ByteStream> make_socket_stream(const boost::asio::any_io_executor& executor);

}  // namespace melder::client
