#pragma once
// TLS 1.3 as a client, between two buffers in memory. No I/O. Certificates are not judged here: the caller compares
// `peer_spki` with the pins of the trust list.

#include <memory>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/transcript.hpp"

using SSL = struct ssl_st;

namespace melder::client {

class TlsEngine {
public:
    enum class Status { done, want_input, closed, failed };
    struct Outcome {
        Status status;
        std::size_t bytes = 0;
    };

    explicit TlsEngine(const std::string& host);

    /// Call again after each put_ciphertext() until it is done; send take_ciphertext() after each call.
    [[nodiscard]] Status handshake();
    [[nodiscard]] Outcome read(std::span<Byte> out);
    /// Takes all of it: `done` or `failed`. One record for up to 16 KiB.
    [[nodiscard]] Status write(BytesView plaintext);
    /// Queues a close_notify.
    void shutdown() noexcept;

    void put_ciphertext(BytesView bytes);
    [[nodiscard]] Bytes take_ciphertext();

    /// After the handshake; `tls` before.
    [[nodiscard]] Result<TlsExporter> exporter() const;
    /// SHA-256 of the DER SubjectPublicKeyInfo of the key that signed the handshake.
    [[nodiscard]] Result<Hash> peer_spki() const;
    /// When the certificate that came with that key ends. Nothing is judged by it: it is a hint for administrators.
    [[nodiscard]] std::optional<UnixTime> peer_certificate_ends() const;

private:
    struct Free {
        void operator()(SSL* ssl) const noexcept;
    };
    [[nodiscard]] Status status_of(int result) const;
    std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace melder::client
