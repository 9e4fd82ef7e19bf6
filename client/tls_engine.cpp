#include "client/tls_engine.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <new>
#include <stdexcept>

namespace melder::client {
namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

Context make_context() {
    Context owner(SSL_CTX_new(TLS_client_method()));
    if (owner == nullptr) throw std::bad_alloc();
    auto* const context = owner.get();
    const bool fixed = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                       SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                       SSL_CTX_set_ciphersuites(context,
                                                "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
                                                "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
                       SSL_CTX_set1_groups_list(context, "X25519") == 1 &&
                       SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") == 1;
    if (!fixed) throw std::runtime_error("OpenSSL does not take the TLS parameters");
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // No CA is asked. The handshake still proves that the peer holds the certificate's key; whether that key is the
    // right one is decided by the pins.
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return owner;
}

SSL_CTX* context() {
    static const Context made = make_context();
    return made.get();
}

bool is_address(const std::string& host) {
    ByteArray<16> out{};
    return inet_pton(AF_INET, host.c_str(), out.data()) == 1 || inet_pton(AF_INET6, host.c_str(), out.data()) == 1;
}

}  // namespace

void TlsEngine::Free::operator()(SSL* ssl) const noexcept {
    SSL_free(ssl);
}

TlsEngine::TlsEngine(const std::string& host) : ssl_(SSL_new(context())) {
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const out = BIO_new(BIO_s_mem());
    if (ssl_ == nullptr || in == nullptr || out == nullptr) {
        BIO_free(in);
        BIO_free(out);
        throw std::bad_alloc();
    }
    SSL_set_bio(ssl_.get(), in, out);
    SSL_set_connect_state(ssl_.get());
    if (!is_address(host) && SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) != 1) ERR_clear_error();
}

TlsEngine::Status TlsEngine::status_of(int result) const {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_NONE:
            return Status::done;
        case SSL_ERROR_WANT_READ:
            return Status::want_input;
        case SSL_ERROR_ZERO_RETURN:
            return Status::closed;
        default:
            return Status::failed;
    }
}

// A stale entry in the thread's error queue makes SSL_get_error lie.
TlsEngine::Status TlsEngine::handshake() {
    ERR_clear_error();
    return status_of(SSL_do_handshake(ssl_.get()));
}

TlsEngine::Outcome TlsEngine::read(std::span<Byte> out) {
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_read_ex(ssl_.get(), out.data(), out.size(), &bytes);
    return {status_of(result), bytes};
}

TlsEngine::Status TlsEngine::write(BytesView plaintext) {
    if (plaintext.empty()) return Status::done;
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &bytes);
    return status_of(result) == Status::done ? Status::done : Status::failed;
}

void TlsEngine::shutdown() noexcept {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

void TlsEngine::put_ciphertext(BytesView bytes) {
    std::size_t written = 0;
    if (BIO_write_ex(SSL_get_rbio(ssl_.get()), bytes.data(), bytes.size(), &written) != 1) throw std::bad_alloc();
}

Bytes TlsEngine::take_ciphertext() {
    BIO* const out = SSL_get_wbio(ssl_.get());
    Bytes bytes(BIO_ctrl_pending(out));
    std::size_t read = 0;
    if (!bytes.empty() && BIO_read_ex(out, bytes.data(), bytes.size(), &read) != 1) throw std::bad_alloc();
    return bytes;
}

Result<TlsExporter> TlsEngine::exporter() const {
    TlsExporter out{};
    if (SSL_is_init_finished(ssl_.get()) != 1 ||
        SSL_export_keying_material(ssl_.get(), out.data(), out.size(), exporter_label.data(), exporter_label.size(),
                                   nullptr, 0, 1) != 1) {
        ERR_clear_error();
        return Errc::tls;
    }
    return out;
}

Result<Hash> TlsEngine::peer_spki() const {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    if (SSL_is_init_finished(ssl_.get()) != 1 || certificate == nullptr) return Errc::tls;
    Byte* encoded = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
    if (size <= 0) {
        ERR_clear_error();
        return Errc::tls;
    }
    const auto hash = sha256(BytesView(encoded, static_cast<std::size_t>(size)));
    OPENSSL_free(encoded);
    return hash;
}

std::optional<UnixTime> TlsEngine::peer_certificate_ends() const {
    const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    std::tm parts{};
    if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    return UnixTime::from_seconds(::timegm(&parts));
}

}  // namespace melder::client
