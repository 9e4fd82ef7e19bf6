#include "client/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <vector>

namespace melder::client {
namespace {

constexpr std::size_t read_buffer_bytes = 17 * 1024;  // one full record

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

struct TlsStream::State {
    std::unique_ptr<ByteStream> below;
    std::unique_ptr<SSL_CTX, FreeContext> context;
    std::unique_ptr<SSL, FreeSsl> ssl;
    BIO* incoming = nullptr;  // owned by ssl
    BIO* outgoing = nullptr;  // owned by ssl
    ByteArray<read_buffer_bytes> read_buffer{};
    Bytes sending;                             // under way below
    std::vector<ByteStream::Done> waiting;      // for everything in `outgoing` to be sent
    std::vector<ByteStream::Done> under_way;    // for `sending`
    bool closed = false;
};

TlsStream::TlsStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsStream::~TlsStream() = default;

Result<std::shared_ptr<TlsStream>> TlsStream::make(std::unique_ptr<ByteStream> below) {
    auto state = std::make_unique<State>();
    state->below = std::move(below);
    state->context.reset(SSL_CTX_new(TLS_client_method()));
    auto* context = state->context.get();
    if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519") != 1 ||
        SSL_CTX_set1_sigalgs_list(context, "ecdsa_secp256r1_sha256") != 1) {
        return Error(Errc::internal, "TLS cannot be set up");
    }
    // The certificate is judged by its key's pin, after Hello brought the trust list.
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    state->ssl.reset(SSL_new(context));
    state->incoming = BIO_new(BIO_s_mem());
    state->outgoing = BIO_new(BIO_s_mem());
    if (!state->ssl || state->incoming == nullptr || state->outgoing == nullptr) {
        BIO_free(state->incoming);
        BIO_free(state->outgoing);
        return Error(Errc::internal, "TLS cannot be set up");
    }
    BIO_set_mem_eof_return(state->incoming, -1);  // an empty BIO means "wait", not "end"
    SSL_set_bio(state->ssl.get(), state->incoming, state->outgoing);
    SSL_set_connect_state(state->ssl.get());
    return std::shared_ptr<TlsStream>(new TlsStream(std::move(state)));
}

void TlsStream::connect(const std::string& host, std::uint16_t port, ByteStream::Done done) {
    state_->below->open(host, port, [self = shared_from_this(), done = std::move(done)](Result<void> opened) mutable {
        if (opened.has_error()) return done(std::move(opened));
        self->shake_hands(std::move(done));
    });
}

void TlsStream::shake_hands(ByteStream::Done done) {
    ERR_clear_error();
    const int outcome = SSL_do_handshake(state_->ssl.get());
    const int reason = SSL_get_error(state_->ssl.get(), outcome);
    if (outcome != 1 && reason != SSL_ERROR_WANT_READ) {
        // The peer learns from our alert, which still has to leave.
        flush([done = std::move(done)](const Result<void>&) { done(Errc::tls); });
        return;
    }
    auto self = shared_from_this();
    flush([self, outcome, done = std::move(done)](Result<void> sent) mutable {
        if (sent.has_error() || outcome == 1) return done(std::move(sent));
        self->feed([self, done = std::move(done)](Result<std::size_t> size) mutable {
            if (size.has_error()) return done(size.error());
            if (*size == 0) return done(Error(Errc::tls, "the server closed the connection during the handshake"));
            self->shake_hands(std::move(done));
        });
    });
}

void TlsStream::read(std::span<Byte> into, ByteStream::ReadDone done) {
    if (state_->closed) return done(Errc::closed);
    ERR_clear_error();
    std::size_t size = 0;
    const int outcome = SSL_read_ex(state_->ssl.get(), into.data(), into.size(), &size);
    const int reason = outcome == 1 ? SSL_ERROR_NONE : SSL_get_error(state_->ssl.get(), outcome);
    if (outcome == 1) return done(size);
    if (reason == SSL_ERROR_ZERO_RETURN) return done(std::size_t{0});
    if (reason != SSL_ERROR_WANT_READ) return done(Errc::tls);
    auto self = shared_from_this();
    // Reading can make OpenSSL answer (a key update), and the peer may wait for that.
    flush([](const Result<void>&) {});
    feed([self, into, done = std::move(done)](Result<std::size_t> fed) mutable {
        if (fed.has_error() || *fed == 0) return done(std::move(fed));
        self->read(into, std::move(done));
    });
}

void TlsStream::write(BytesView plaintext, ByteStream::Done done) {
    if (state_->closed) return done(Errc::closed);
    ERR_clear_error();
    std::size_t size = 0;
    if (!plaintext.empty() && SSL_write_ex(state_->ssl.get(), plaintext.data(), plaintext.size(), &size) != 1) {
        return done(Errc::tls);
    }
    flush(std::move(done));
}

void TlsStream::flush(ByteStream::Done done) {
    state_->waiting.push_back(std::move(done));
    flush_next();
}

void TlsStream::flush_next() {
    if (!state_->under_way.empty() || state_->waiting.empty()) return;
    state_->under_way.swap(state_->waiting);
    state_->sending.resize(BIO_ctrl_pending(state_->outgoing));
    auto finished = [self = shared_from_this()](const Result<void>& sent) {
        auto handlers = std::move(self->state_->under_way);
        self->state_->under_way.clear();
        for (auto& handler : handlers) handler(sent);
        self->flush_next();
    };
    if (state_->sending.empty()) return finished(ok());
    BIO_read(state_->outgoing, state_->sending.data(), static_cast<int>(state_->sending.size()));
    state_->below->write(state_->sending, std::move(finished));
}

void TlsStream::feed(ByteStream::ReadDone done) {
    state_->below->read(state_->read_buffer, [self = shared_from_this(), done = std::move(done)](Result<std::size_t> size) {
        if (self->state_->closed) return done(Errc::cancelled);
        if (size.has_value() && *size > 0) {
            BIO_write(self->state_->incoming, self->state_->read_buffer.data(), static_cast<int>(*size));
        }
        done(std::move(size));
    });
}

void TlsStream::close() noexcept {
    if (std::exchange(state_->closed, true)) return;
    state_->below->close();
}

Result<Hash> TlsStream::peer_spki() const {
    const std::unique_ptr<X509, FreeCertificate> certificate(SSL_get1_peer_certificate(state_->ssl.get()));
    if (!certificate) return Errc::tls;
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
    if (size <= 0) return Errc::tls;
    const auto hash = sha256(BytesView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return hash;
}

Result<TlsExporter> TlsStream::exporter() const {
    TlsExporter out;
    if (SSL_export_keying_material(state_->ssl.get(), out.data(), out.size(), exporter_label.data(), exporter_label.size(),
                                   nullptr, 0, 1) != 1) {
        return Errc::tls;
    }
    return out;
}

}  // namespace melder::client
