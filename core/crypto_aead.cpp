// AES-256-GCM.
#include <limits>

#include "core/crypto.hpp"
#include "core/openssl_handles.hpp"

namespace melder {

namespace {

/// One context per thread and direction; after each use it holds an all-zero key instead of the real one.
class GcmContext {
public:
    explicit GcmContext(bool sealing)
        : cipher_(openssl::require(openssl::Cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)), "AES-256-GCM")),
          context_(openssl::require(openssl::CipherContext(EVP_CIPHER_CTX_new()), "cipher context")) {
        openssl::require(
            EVP_CipherInit_ex2(context_.get(), cipher_.get(), nullptr, nullptr, sealing ? 1 : 0, nullptr) == 1,
            "AES-256-GCM");
    }

    void begin(std::span<const Byte, 32> key, std::span<const Byte, 12> nonce, BytesView aad) {
        openssl::require(EVP_CipherInit_ex2(context_.get(), nullptr, key.data(), nonce.data(), -1, nullptr) == 1,
                         "AES-256-GCM key");
        if (!aad.empty()) update(nullptr, aad);
    }
    void update(Byte* out, BytesView in) {
        if (in.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
            throw std::invalid_argument("too much for one AES-256-GCM call");
        }
        int written = 0;
        openssl::require(EVP_CipherUpdate(context_.get(), out, &written, in.data(), static_cast<int>(in.size())) == 1,
                         "AES-256-GCM update");
    }
    [[nodiscard]] bool end() {
        Byte nothing[16];
        int written = 0;
        return EVP_CipherFinal_ex(context_.get(), nothing, &written) == 1;
    }
    void control(int command, Byte* tag) {
        openssl::require(EVP_CIPHER_CTX_ctrl(context_.get(), command, static_cast<int>(aead_tag_bytes), tag) == 1,
                         "GCM tag");
    }
    void forget() {
        constexpr ByteArray<32> no_key{};
        constexpr ByteArray<12> no_nonce{};
        begin(no_key, no_nonce, {});
    }

private:
    openssl::Cipher cipher_;
    openssl::CipherContext context_;
};

}  // namespace

void aead_seal(const AeadKey& key, std::span<const Byte, 12> nonce, BytesView aad, BytesView plaintext,
               std::span<Byte> out) {
    if (out.size() != plaintext.size() + aead_tag_bytes) throw std::invalid_argument("the output has the wrong size");
    thread_local GcmContext context(true);
    context.begin(key.expose(), nonce, aad);
    if (!plaintext.empty()) context.update(out.data(), plaintext);
    openssl::require(context.end(), "AES-256-GCM final");
    context.control(EVP_CTRL_AEAD_GET_TAG, out.data() + plaintext.size());
    context.forget();
}

Bytes aead_seal(const AeadKey& key, std::span<const Byte, 12> nonce, BytesView aad, BytesView plaintext) {
    Bytes out(plaintext.size() + aead_tag_bytes);
    aead_seal(key, nonce, aad, plaintext, out);
    return out;
}

Result<SecretBuffer> aead_open(const AeadKey& key, std::span<const Byte, 12> nonce, BytesView aad,
                               BytesView ciphertext) {
    if (ciphertext.size() < aead_tag_bytes) return Errc::sealed_invalid;
    const openssl::CleanErrorQueue clean;
    const auto sealed = ciphertext.first(ciphertext.size() - aead_tag_bytes);
    ByteArray<aead_tag_bytes> tag{};
    std::ranges::copy(ciphertext.last(aead_tag_bytes), tag.begin());

    thread_local GcmContext context(false);
    SecretBuffer plaintext(sealed.size());
    context.begin(key.expose(), nonce, aad);
    if (!sealed.empty()) context.update(plaintext.expose_writable().data(), sealed);
    context.control(EVP_CTRL_AEAD_SET_TAG, tag.data());
    const bool authentic = context.end();
    context.forget();
    if (!authentic) return Errc::sealed_invalid;  // the buffer is wiped on the way out
    return plaintext;
}

}  // namespace melder
