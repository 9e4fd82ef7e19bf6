#include "sdk/crypto/signal_provider.hpp"

#include <openssl/evp.h>

#include <array>
#include <vector>

namespace melder::sdk {
namespace {

constexpr std::size_t hash_block_bytes = 64;
constexpr std::size_t sha256_bytes = 32;
constexpr std::size_t sha512_bytes = 64;
constexpr std::size_t cbc_block_bytes = 16;

struct FreeDigest {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};
struct FreeDigestContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};
struct FreeCipherContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Digest = std::unique_ptr<EVP_MD, FreeDigest>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigestContext>;
using Cipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

/// RFC 2104 over two digest contexts that are kept for the next message.
struct Hmac {
    DigestContext inner{EVP_MD_CTX_new()};
    DigestContext outer{EVP_MD_CTX_new()};
};

bool start_hmac(Hmac& hmac, const EVP_MD* sha256, const std::uint8_t* key, std::size_t key_size) {
    std::array<Byte, hash_block_bytes> block{};
    unsigned int hashed = 0;
    if (key_size > block.size()) {
        if (EVP_Digest(key, key_size, block.data(), &hashed, sha256, nullptr) != 1) return false;
    } else {
        std::copy(key, key + key_size, block.begin());
    }
    const auto start = [&](EVP_MD_CTX* context, Byte pad) {
        for (auto& byte : block)
            byte ^= pad;
        const bool started = EVP_DigestInit_ex2(context, sha256, nullptr) == 1 &&
                             EVP_DigestUpdate(context, block.data(), block.size()) == 1;
        for (auto& byte : block)
            byte ^= pad;
        return started;
    };
    const bool started = start(hmac.inner.get(), 0x36) && start(hmac.outer.get(), 0x5c);
    wipe(block);
    return started;
}

bool finish_hmac(Hmac& hmac, std::span<Byte, sha256_bytes> out) {
    return EVP_DigestFinal_ex(hmac.inner.get(), out.data(), nullptr) == 1 &&
           EVP_DigestUpdate(hmac.outer.get(), out.data(), out.size()) == 1 &&
           EVP_DigestFinal_ex(hmac.outer.get(), out.data(), nullptr) == 1;
}

/// Contexts that libsignal asks for and gives back, kept for the next time.
template <class Context>
class Pool {
public:
    Context* take() {
        if (free_.empty()) {
            all_.push_back(std::make_unique<Context>());
            return all_.back().get();
        }
        auto* context = free_.back();
        free_.pop_back();
        return context;
    }
    void give_back(void* context) {
        if (context != nullptr) free_.push_back(static_cast<Context*>(context));
    }

private:
    std::vector<std::unique_ptr<Context>> all_;
    std::vector<Context*> free_;
};

struct Sha512 {
    DigestContext context{EVP_MD_CTX_new()};
};

int give(signal_buffer** output, BytesView bytes) {
    *output = signal_buffer_create(bytes.data(), bytes.size());
    return *output != nullptr ? SG_SUCCESS : SG_ERR_NOMEM;
}

}  // namespace

struct SignalProvider::Contexts {
    explicit Contexts(Random& source) : random(source) {}
    Random& random;
    Digest sha256{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
    Digest sha512{EVP_MD_fetch(nullptr, "SHA512", nullptr)};
    Cipher cbc{EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)};
    CipherContext cipher{EVP_CIPHER_CTX_new()};
    Pool<Hmac> hmacs;
    Pool<Sha512> hashes;
    std::optional<MessageKey> message_key;
};

namespace {

using Contexts = SignalProvider::Contexts;
Contexts& of(void* user) {
    return *static_cast<Contexts*>(user);
}

int fill_random(std::uint8_t* data, std::size_t size, void* user) {
    of(user).random.fill({data, size});
    return SG_SUCCESS;
}

int hmac_init(void** context, const std::uint8_t* key, std::size_t size, void* user) {
    auto* hmac = of(user).hmacs.take();
    *context = hmac;
    return start_hmac(*hmac, of(user).sha256.get(), key, size) ? SG_SUCCESS : SG_ERR_UNKNOWN;
}
int hmac_update(void* context, const std::uint8_t* data, std::size_t size, void*) {
    return EVP_DigestUpdate(static_cast<Hmac*>(context)->inner.get(), data, size) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}
int hmac_final(void* context, signal_buffer** output, void*) {
    ByteArray<sha256_bytes> out{};
    if (!finish_hmac(*static_cast<Hmac*>(context), out)) return SG_ERR_UNKNOWN;
    const int given = give(output, out);
    wipe(out);
    return given;
}
void hmac_cleanup(void* context, void* user) {
    of(user).hmacs.give_back(context);
}

int sha512_init(void** context, void* user) {
    auto* hash = of(user).hashes.take();
    *context = hash;
    return EVP_DigestInit_ex2(hash->context.get(), of(user).sha512.get(), nullptr) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}
int sha512_update(void* context, const std::uint8_t* data, std::size_t size, void*) {
    return EVP_DigestUpdate(static_cast<Sha512*>(context)->context.get(), data, size) == 1 ? SG_SUCCESS
                                                                                           : SG_ERR_UNKNOWN;
}
int sha512_final(void* context, signal_buffer** output, void* user) {
    ByteArray<sha512_bytes> out{};
    auto* hash = static_cast<Sha512*>(context)->context.get();
    if (EVP_DigestFinal_ex(hash, out.data(), nullptr) != 1) return SG_ERR_UNKNOWN;
    // "prepare the context for reuse", says the contract.
    if (EVP_DigestInit_ex2(hash, of(user).sha512.get(), nullptr) != 1) return SG_ERR_UNKNOWN;
    const int given = give(output, out);
    wipe(out);
    return given;
}
void sha512_cleanup(void* context, void* user) {
    of(user).hashes.give_back(context);
}

/// Signal v3 uses CBC alone. Padding is OpenSSL's.
int run_cipher(bool encrypt, signal_buffer** output, int cipher, BytesView key, BytesView iv, BytesView input,
               void* user) {
    auto& contexts = of(user);
    if (cipher != SG_CIPHER_AES_CBC_PKCS5 || key.size() != 32 || iv.size() != cbc_block_bytes) return SG_ERR_INVAL;
    SecretBuffer out(input.size() + cbc_block_bytes);
    auto* context = contexts.cipher.get();
    int size = 0;
    int rest = 0;
    auto* data = out.expose_writable().data();
    if (EVP_CipherInit_ex2(context, contexts.cbc.get(), key.data(), iv.data(), encrypt ? 1 : 0, nullptr) != 1 ||
        EVP_CipherUpdate(context, data, &size, input.data(), static_cast<int>(input.size())) != 1 ||
        EVP_CipherFinal_ex(context, data + size, &rest) != 1) {
        EVP_CIPHER_CTX_reset(context);
        // Padding is the peer's, whose MAC was right; whatever else fails is a want of memory.
        return encrypt ? SG_ERR_NOMEM : SG_ERR_INVALID_MESSAGE;
    }
    EVP_CIPHER_CTX_reset(context);
    auto message_key = decltype(MessageKey::key)::from(key);
    auto message_iv = decltype(MessageKey::iv)::from(iv);
    contexts.message_key = MessageKey{std::move(message_key).value(), std::move(message_iv).value()};
    return give(output, out.expose().first(static_cast<std::size_t>(size + rest)));
}

int encrypt(signal_buffer** output, int cipher, const std::uint8_t* key, std::size_t key_size, const std::uint8_t* iv,
            std::size_t iv_size, const std::uint8_t* input, std::size_t size, void* user) {
    return run_cipher(true, output, cipher, {key, key_size}, {iv, iv_size}, {input, size}, user);
}
int decrypt(signal_buffer** output, int cipher, const std::uint8_t* key, std::size_t key_size, const std::uint8_t* iv,
            std::size_t iv_size, const std::uint8_t* input, std::size_t size, void* user) {
    return run_cipher(false, output, cipher, {key, key_size}, {iv, iv_size}, {input, size}, user);
}

}  // namespace

SignalProvider::SignalProvider(Random& random) : contexts_(std::make_unique<Contexts>(random)) {}
SignalProvider::~SignalProvider() = default;

signal_crypto_provider SignalProvider::callbacks() noexcept {
    signal_crypto_provider provider{};
    provider.random_func = fill_random;
    provider.hmac_sha256_init_func = hmac_init;
    provider.hmac_sha256_update_func = hmac_update;
    provider.hmac_sha256_final_func = hmac_final;
    provider.hmac_sha256_cleanup_func = hmac_cleanup;
    provider.sha512_digest_init_func = sha512_init;
    provider.sha512_digest_update_func = sha512_update;
    provider.sha512_digest_final_func = sha512_final;
    provider.sha512_digest_cleanup_func = sha512_cleanup;
    provider.encrypt_func = encrypt;
    provider.decrypt_func = decrypt;
    provider.user_data = contexts_.get();
    return provider;
}

std::optional<MessageKey> SignalProvider::take_message_key() {
    return std::exchange(contexts_->message_key, std::nullopt);
}
void SignalProvider::forget() {
    contexts_->message_key.reset();
}

Result<SecretBuffer> open_cbc(const MessageKey& key, BytesView ciphertext) {
    static const Cipher cbc(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
    const CipherContext context(EVP_CIPHER_CTX_new());
    SecretBuffer out(ciphertext.size() + cbc_block_bytes);
    auto* data = out.expose_writable().data();
    int size = 0;
    int rest = 0;
    if (EVP_CipherInit_ex2(context.get(), cbc.get(), key.key.expose().data(), key.iv.expose().data(), 0, nullptr) !=
            1 ||
        EVP_CipherUpdate(context.get(), data, &size, ciphertext.data(), static_cast<int>(ciphertext.size())) != 1 ||
        EVP_CipherFinal_ex(context.get(), data + size, &rest) != 1) {
        return Errc::undecryptable;
    }
    out.truncate(static_cast<std::size_t>(size + rest));
    return out;
}

}  // namespace melder::sdk
