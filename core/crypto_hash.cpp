// SHA-256, HMAC, HKDF, scrypt.
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "core/crypto.hpp"
#include "core/endian.hpp"
#include "core/limits.hpp"
#include "core/openssl_handles.hpp"

namespace melder {

namespace {

const EVP_MD* sha256_algorithm() {
    static const auto algorithm = openssl::require(openssl::Digest(EVP_MD_fetch(nullptr, "SHA256", nullptr)), "SHA256");
    return algorithm.get();
}

/// One HMAC context per thread. It forgets the key after each use, because a thread lives longer than a secret.
class HmacContext {
public:
    HmacContext()
        : mac_(openssl::require(openssl::Mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr)), "HMAC")),
          context_(openssl::require(openssl::MacContext(EVP_MAC_CTX_new(mac_.get())), "HMAC context")) {
        char digest[] = "SHA256";
        const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                         OSSL_PARAM_construct_end()};
        openssl::require(EVP_MAC_CTX_set_params(context_.get(), parameters) == 1, "HMAC with SHA256");
    }

    void begin(BytesView key) {
        static constexpr Byte nothing = 0;
        const Byte* data = key.empty() ? &nothing : key.data();
        openssl::require(EVP_MAC_init(context_.get(), data, key.size(), nullptr) == 1, "HMAC key");
    }
    void add(BytesView part) {
        if (part.empty()) return;
        openssl::require(EVP_MAC_update(context_.get(), part.data(), part.size()) == 1, "HMAC update");
    }
    void end(std::span<Byte, 32> out) {
        std::size_t size = 0;
        openssl::require(EVP_MAC_final(context_.get(), out.data(), &size, out.size()) == 1 && size == out.size(),
                         "HMAC final");
    }
    void forget() { begin(ByteArray<32>{}); }

private:
    openssl::Mac mac_;
    openssl::MacContext context_;
};

HmacContext& hmac_context() {
    thread_local HmacContext context;
    return context;
}

}  // namespace

Hash sha256(std::initializer_list<BytesView> parts) {
    thread_local const auto context = openssl::require(openssl::DigestContext(EVP_MD_CTX_new()), "digest context");
    openssl::require(EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1, "SHA256");
    for (const auto part : parts) {
        if (part.empty()) continue;
        openssl::require(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1, "SHA256 update");
    }
    ByteArray<32> out{};
    openssl::require(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1, "SHA256 final");
    return Hash(out);
}

ByteArray<32> hmac_sha256(BytesView key, std::initializer_list<BytesView> parts) {
    auto& context = hmac_context();
    context.begin(key);
    for (const auto part : parts)
        context.add(part);
    ByteArray<32> out{};
    context.end(out);
    context.forget();
    return out;
}

void hkdf_sha256(BytesView ikm, BytesView salt, std::initializer_list<BytesView> info, std::span<Byte> out) {
    if (out.size() > 255 * 32) throw std::invalid_argument("HKDF gives at most 8160 bytes");
    auto& context = hmac_context();
    ByteArray<32> extracted{};
    ByteArray<32> block{};
    context.begin(salt);
    context.add(ikm);
    context.end(extracted);
    for (Byte number = 1; !out.empty(); ++number) {
        context.begin(extracted);
        if (number > 1) context.add(block);
        for (const auto part : info)
            context.add(part);
        context.add(ByteArray<1>{number});
        context.end(block);
        const std::size_t count = std::min(out.size(), block.size());
        std::copy_n(block.begin(), count, out.begin());
        out = out.subspan(count);
    }
    context.forget();
    wipe(extracted);
    wipe(block);
}

Bytes length_prefixed(std::initializer_list<BytesView> parts) {
    Bytes out;
    for (const auto part : parts) {
        if (part.size() > 0xFFFFFFFFU) throw std::invalid_argument("a length prefix has four bytes");
        const auto length = big_endian(static_cast<std::uint32_t>(part.size()));
        out.insert(out.end(), length.begin(), length.end());
        out.insert(out.end(), part.begin(), part.end());
    }
    return out;
}

Result<void> scrypt(BytesView passphrase, BytesView salt, std::uint64_t n, std::uint32_t r, std::uint32_t p,
                    std::span<Byte> out) {
    const openssl::CleanErrorQueue clean;
    if (EVP_PBE_scrypt(as_chars(passphrase).data(), passphrase.size(), salt.data(), salt.size(), n, r, p,
                       limits::scrypt_memory_bytes, out.data(), out.size()) != 1) {
        return Error(Errc::malformed, "the scrypt parameters are not allowed");
    }
    return ok();
}

}  // namespace melder
