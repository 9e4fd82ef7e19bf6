#pragma once
// TLS 1.3 over a ByteStream, by OpenSSL and two memory BIOs. No certificate authority plays a part: the peer's key is
// only known here, and judged by the pins of the trust list before anything is sent over it (DESIGN §2).
//
// Threads: as ByteStream. One handshake, then at most one read and one write at a time.

#include <memory>

#include "client/byte_stream.hpp"
#include "core/ids.hpp"
#include "core/transcript.hpp"

namespace melder::client {

class TlsStream : public std::enable_shared_from_this<TlsStream> {
public:
    /// `internal` if OpenSSL cannot be set up.
    [[nodiscard]] static Result<std::shared_ptr<TlsStream>> make(std::unique_ptr<ByteStream> below);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    /// Opens the stream below, then shakes hands. `network` or `tls`.
    void connect(const std::string& host, std::uint16_t port, ByteStream::Done done);
    /// At least one byte of plaintext; 0 at the end (close_notify, or the connection's end). Unlike below, `done` may
    /// be called from inside this call, when plaintext waits already.
    void read(std::span<Byte> into, ByteStream::ReadDone done);
    void write(BytesView plaintext, ByteStream::Done done);
    /// Closes the stream below. The WebSocket's close frame is what tells the peer.
    void close() noexcept;

    /// SHA-256 of the peer's DER SubjectPublicKeyInfo, after the handshake.
    [[nodiscard]] Result<Hash> peer_spki() const;
    /// RFC 8446 §7.5, after the handshake.
    [[nodiscard]] Result<TlsExporter> exporter() const;

private:
    struct State;
    explicit TlsStream(std::unique_ptr<State> state);
    void shake_hands(ByteStream::Done done);
    /// Sends what OpenSSL wants to send, then goes on.
    void flush(ByteStream::Done done);
    void flush_next();
    /// Feeds OpenSSL from below, then goes on.
    void feed(ByteStream::ReadDone done);
    std::unique_ptr<State> state_;
};

}  // namespace melder::client
