#include "server/link/tls_identity.hpp"

#include <memory>
#include <new>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "core/crypto.hpp"

namespace melder::server {
namespace {

constexpr long certificate_days = 36'500;

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using MemoryBio = std::unique_ptr<BIO, Deleter<BIO_free>>;

void require(bool fine) {
    if (!fine) throw std::runtime_error("OpenSSL cannot make a TLS key");
}

BytesView content_of(BIO* bio) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(bio, &data);
    return {reinterpret_cast<const Byte*>(data), static_cast<std::size_t>(size)};
}

/// The certificate needs a subject; nobody reads it, so it names nothing.
Certificate self_signed(EVP_PKEY* key) {
    Certificate certificate(X509_new());
    require(certificate != nullptr);
    auto* x509 = certificate.get();
    require(X509_set_version(x509, X509_VERSION_3) == 1);
    require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), system_random().u64() >> 1) == 1);
    require(X509_gmtime_adj(X509_getm_notBefore(x509), 0) != nullptr);
    require(X509_time_adj_ex(X509_getm_notAfter(x509), certificate_days, 0, nullptr) != nullptr);
    require(X509_set_pubkey(x509, key) == 1);
    auto* name = X509_get_subject_name(x509);
    require(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("melder"), -1,
                                       -1, 0) == 1);
    require(X509_set_issuer_name(x509, name) == 1);
    require(X509_sign(x509, key, EVP_sha256()) > 0);
    return certificate;
}

Hash spki_hash(X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    require(size > 0);
    const auto hash = sha256(BytesView(der, static_cast<std::size_t>(size)));
    OPENSSL_free(der);
    return hash;
}

}  // namespace

TlsIdentity make_tls_identity() {
    const Key key(EVP_EC_gen("P-256"));
    require(key != nullptr);
    const auto certificate = self_signed(key.get());
    const MemoryBio certificate_out(BIO_new(BIO_s_mem()));
    const MemoryBio key_out(BIO_new(BIO_s_secmem()));
    require(certificate_out != nullptr && key_out != nullptr);
    require(PEM_write_bio_X509(certificate_out.get(), certificate.get()) == 1);
    require(PEM_write_bio_PKCS8PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    TlsIdentity identity{.certificate_pem = to_string(content_of(certificate_out.get())),
                         .private_key_pem = SecretBuffer(content_of(key_out.get())),
                         .spki_sha256 = spki_hash(certificate.get())};
    // The write end of a BIO shows its memory, so the copy inside can be wiped before it is freed.
    char* inside = nullptr;
    const auto size = BIO_get_mem_data(key_out.get(), &inside);
    wipe(inside, static_cast<std::size_t>(size));
    return identity;
}

Result<Hash> spki_sha256_of(std::string_view certificate_pem) {
    const MemoryBio in(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
    if (in == nullptr) throw std::bad_alloc();
    const Certificate certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) return Error(Errc::config_invalid, "no certificate in PEM form");
    return spki_hash(certificate.get());
}

}  // namespace melder::server
