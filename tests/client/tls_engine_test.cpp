// What the client refuses of a server in TLS itself, before any pin is looked at: OpenSSL on both sides, in memory.

#include "client/tls_engine.hpp"

#include <gtest/gtest.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "server/link/tls_identity.hpp"

namespace melder::client {
namespace {

struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// A server that speaks whatever the test allows it.
class Peer {
public:
    explicit Peer(int highest_version, const char* groups = "X25519") : context_(SSL_CTX_new(TLS_server_method())) {
        const auto identity = server::make_tls_identity();
        const Owned<BIO> certificate_text(
            BIO_new_mem_buf(identity.certificate_pem.data(), static_cast<int>(identity.certificate_pem.size())));
        const auto pem = identity.private_key_pem.expose();
        const Owned<BIO> key_text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
        const Owned<X509> certificate(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
        const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
        SSL_CTX_use_certificate(context_.get(), certificate.get());
        SSL_CTX_use_PrivateKey(context_.get(), key.get());
        SSL_CTX_set_max_proto_version(context_.get(), highest_version);
        SSL_CTX_set1_groups_list(context_.get(), groups);
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_accept_state(ssl_.get());
    }
    void step(TlsEngine& client) {
        const auto sent = client.take_ciphertext();
        BIO_write(SSL_get_rbio(ssl_.get()), sent.data(), static_cast<int>(sent.size()));
        SSL_do_handshake(ssl_.get());
        Bytes answer(static_cast<std::size_t>(BIO_pending(SSL_get_wbio(ssl_.get()))));
        BIO_read(SSL_get_wbio(ssl_.get()), answer.data(), static_cast<int>(answer.size()));
        client.put_ciphertext(answer);
    }

private:
    Owned<SSL_CTX> context_;
    Owned<SSL> ssl_;
};

TlsEngine::Status shake_hands(TlsEngine& client, Peer& peer) {
    auto status = client.handshake();
    for (int i = 0; i < 5 && status == TlsEngine::Status::want_input; ++i) {
        peer.step(client);
        status = client.handshake();
    }
    return status;
}

TEST(TlsEngine, a_server_of_TLS_1_3_with_X25519_is_accepted) {
    TlsEngine client("melder");
    Peer peer(TLS1_3_VERSION);
    EXPECT_EQ(shake_hands(client, peer), TlsEngine::Status::done);
    EXPECT_TRUE(client.exporter().has_value());
    EXPECT_TRUE(client.peer_spki().has_value());
}

TEST(TlsEngine, TLS_1_2_is_refused) {
    TlsEngine client("melder");
    Peer peer(TLS1_2_VERSION);
    EXPECT_EQ(shake_hands(client, peer), TlsEngine::Status::failed);
    EXPECT_TRUE(client.exporter().has_error());
}

TEST(TlsEngine, another_key_exchange_than_X25519_is_refused) {
    TlsEngine client("melder");
    Peer peer(TLS1_3_VERSION, "P-256");
    EXPECT_EQ(shake_hands(client, peer), TlsEngine::Status::failed);
}

}  // namespace
}  // namespace melder::client
