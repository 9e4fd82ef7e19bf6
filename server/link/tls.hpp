#pragma once
// TLS 1.3 over a non-blocking socket: OpenSSL driven directly over a BIO of our own. Between two records an idle stream
// holds no buffer (SSL_MODE_RELEASE_BUFFERS).
//
// Traps this avoids (measured): SSL_set_fd writes raise SIGPIPE; without read-ahead each record costs two read() calls;
// a stale error queue makes SSL_get_error lie.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <openssl/types.h>

#include "core/clock.hpp"
#include "core/transcript.hpp"

namespace melder::server {

struct SslContextDeleter {
    void operator()(SSL_CTX* context) const noexcept;
};
struct SslDeleter {
    void operator()(SSL* ssl) const noexcept;
};

/// The server's certificate and key with the fixed parameters: TLS 1.3 only, X25519, ECDSA P-256 with SHA-256, no
/// tickets, no resumption, no early data. Thread-safe once loaded.
class TlsContext {
public:
    /// `config_invalid` with the file's name: unreadable, no P-256, or key and certificate do not belong together.
    [[nodiscard]] static Result<TlsContext> load(const std::string& certificate_file,
                                                 const std::string& private_key_file);
    [[nodiscard]] SSL_CTX* get() const noexcept { return context_.get(); }
    /// When the certificate ends. Clients do not look at it: the trust list ends its key.
    [[nodiscard]] UnixTime ends() const noexcept { return ends_; }
    /// The pin that a trust list must hold.
    [[nodiscard]] const Hash& spki_sha256() const noexcept { return spki_; }

private:
    explicit TlsContext(std::unique_ptr<SSL_CTX, SslContextDeleter> context);
    std::unique_ptr<SSL_CTX, SslContextDeleter> context_;
    UnixTime ends_;
    Hash spki_;
};

/// One connection's TLS. Does not own the descriptor. One thread at a time; may move between threads.
class TlsStream {
public:
    enum class Status : std::uint8_t {
        done,
        want_read,   ///< again when the socket is readable
        want_write,  ///< again when it is writable, with the same bytes
        closed,      ///< the peer ended the stream
        failed
    };
    struct Outcome {
        Status status;
        std::size_t bytes = 0;
    };

    TlsStream(const TlsContext& context, int descriptor);

    [[nodiscard]] Status handshake();
    /// At most one record; `done` means bytes > 0.
    [[nodiscard]] Outcome read(std::span<Byte> out);
    /// `done` means bytes > 0, perhaps fewer than given.
    [[nodiscard]] Outcome write(BytesView bytes);
    /// close_notify, as far as it goes.
    void shutdown();
    /// RFC 8446 §7.5 under exporter_label, after the handshake.
    [[nodiscard]] Result<TlsExporter> exporter() const;

private:
    [[nodiscard]] Status status_of(int result);
    std::unique_ptr<SSL, SslDeleter> ssl_;
};

}  // namespace melder::server
