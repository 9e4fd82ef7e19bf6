#include "server/link/tls.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include "core/crypto.hpp"

namespace melder::server {
namespace {

int descriptor_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
    BIO_clear_retry_flags(bio);
    const auto n = ::send(descriptor_of(bio), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
        if (would_block(errno)) BIO_set_retry_write(bio);
        return 0;
    }
    *written = static_cast<std::size_t>(n);
    return 1;
}

int bio_read(BIO* bio, char* data, std::size_t size, std::size_t* read) {
    BIO_clear_retry_flags(bio);
    const auto n = ::recv(descriptor_of(bio), data, size, MSG_DONTWAIT);
    if (n <= 0) {
        if (n < 0 && would_block(errno)) BIO_set_retry_read(bio);
        return 0;
    }
    *read = static_cast<std::size_t>(n);
    return 1;
}

long bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

/// Made once and kept: BIOs of running connections refer to it.
const BIO_METHOD* socket_method() {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "melder socket");
        if (made == nullptr) throw std::bad_alloc();
        BIO_meth_set_write_ex(made, bio_write);
        BIO_meth_set_read_ex(made, bio_read);
        BIO_meth_set_ctrl(made, bio_control);
        BIO_meth_set_create(made, bio_create);
        return made;
    }();
    return method;
}

bool is_p256(EVP_PKEY* key) {
    char name[32] = {};
    std::size_t size = 0;
    return key != nullptr && EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1 &&
           std::strcmp(name, "prime256v1") == 0;
}

/// Of a certificate whose end cannot be read: 1970, so that somebody looks.
UnixTime end_of(const X509* certificate) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return {};
    return UnixTime::from_seconds(::timegm(&parts));
}

Hash spki_hash_of(const X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (size <= 0) throw std::bad_alloc();
    const auto hash = sha256(BytesView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return hash;
}

Error unusable(const std::string& file, const char* why) {
    ERR_clear_error();
    return Error(Errc::config_invalid, file + ": " + why);
}

}  // namespace

void SslContextDeleter::operator()(SSL_CTX* context) const noexcept {
    SSL_CTX_free(context);
}
void SslDeleter::operator()(SSL* ssl) const noexcept {
    SSL_free(ssl);
}

TlsContext::TlsContext(std::unique_ptr<SSL_CTX, SslContextDeleter> context) : context_(std::move(context)) {}

Result<TlsContext> TlsContext::load(const std::string& certificate_file, const std::string& private_key_file) {
    std::unique_ptr<SSL_CTX, SslContextDeleter> owner(SSL_CTX_new(TLS_server_method()));
    if (owner == nullptr) throw std::bad_alloc();
    auto* context = owner.get();
    const bool fixed = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                       SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
                       SSL_CTX_set_ciphersuites(context,
                                                "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:"
                                                "TLS_CHACHA20_POLY1305_SHA256") == 1 &&
                       SSL_CTX_set1_groups_list(context, "X25519") == 1 &&
                       SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") == 1 &&
                       SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1 &&
                       SSL_CTX_set_recv_max_early_data(context, 0) == 1;
    if (!fixed) throw std::runtime_error("OpenSSL does not take the TLS parameters");
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);  // devices prove themselves at login
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);

    ERR_clear_error();
    if (SSL_CTX_use_certificate_file(context, certificate_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return unusable(certificate_file, "no readable certificate in PEM form");
    }
    if (!is_p256(X509_get0_pubkey(SSL_CTX_get0_certificate(context)))) {
        return unusable(certificate_file, "the certificate's key is not P-256");
    }
    if (SSL_CTX_use_PrivateKey_file(context, private_key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return unusable(private_key_file, "no readable private key in PEM form that belongs to the certificate");
    }
    const auto* certificate = SSL_CTX_get0_certificate(context);
    TlsContext loaded(std::move(owner));
    loaded.ends_ = end_of(certificate);
    loaded.spki_ = spki_hash_of(certificate);
    return loaded;
}

TlsStream::TlsStream(const TlsContext& context, int descriptor) : ssl_(SSL_new(context.get())) {
    BIO* bio = BIO_new(socket_method());
    if (ssl_ == nullptr || bio == nullptr) {
        BIO_free(bio);
        throw std::bad_alloc();
    }
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_accept_state(ssl_.get());
}

TlsStream::Status TlsStream::status_of(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_NONE:
            return Status::done;
        case SSL_ERROR_WANT_READ:
            return Status::want_read;
        case SSL_ERROR_WANT_WRITE:
            return Status::want_write;
        case SSL_ERROR_ZERO_RETURN:
            return Status::closed;
        default:
            return Status::failed;
    }
}

TlsStream::Status TlsStream::handshake() {
    ERR_clear_error();
    return status_of(SSL_do_handshake(ssl_.get()));
}

TlsStream::Outcome TlsStream::read(std::span<Byte> out) {
    ERR_clear_error();
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), out.data(), out.size(), &n);
    return {status_of(result), n};
}

TlsStream::Outcome TlsStream::write(BytesView bytes) {
    ERR_clear_error();
    std::size_t n = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n);
    return {status_of(result), n};
}

void TlsStream::shutdown() {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

Result<TlsExporter> TlsStream::exporter() const {
    TlsExporter out{};
    ERR_clear_error();
    if (SSL_export_keying_material(ssl_.get(), out.data(), out.size(), exporter_label.data(), exporter_label.size(),
                                   nullptr, 0, 1) != 1) {
        return Errc::tls;
    }
    return out;
}

}  // namespace melder::server
