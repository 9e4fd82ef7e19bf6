// Ed25519 and XEdDSA, over libsodium: it refuses small-order and non-canonical points and scalars.
#include <sodium.h>

#include "core/crypto.hpp"
#include "core/openssl_handles.hpp"

namespace melder {

namespace {

static_assert(crypto_sign_BYTES == 64 && crypto_sign_SEEDBYTES == 32);

void require_sodium() {
    static const bool ready = sodium_init() >= 0;
    if (!ready) throw std::runtime_error("libsodium could not be initialised");
}

struct Sha512 {
    crypto_hash_sha512_state state;
    Sha512() { crypto_hash_sha512_init(&state); }
    ~Sha512() { wipe(&state, sizeof state); }
    Sha512(const Sha512&) = delete;
    Sha512& operator=(const Sha512&) = delete;
    Sha512& add(BytesView part) {
        crypto_hash_sha512_update(&state, part.data(), part.size());
        return *this;
    }
    /// The digest as a scalar modulo the order of the base point.
    Secret<32> scalar() {
        Secret<64> digest;
        crypto_hash_sha512_final(&state, digest.expose_writable().data());
        Secret<32> out;
        crypto_core_ed25519_scalar_reduce(out.expose_writable().data(), digest.expose().data());
        return out;
    }
};

/// scalar · B, compressed.
ByteArray<32> times_base(std::span<const Byte, 32> scalar) {
    ByteArray<32> out{};
    if (crypto_scalarmult_ed25519_base_noclamp(out.data(), scalar.data()) != 0) {
        throw std::runtime_error("libsodium refused a scalar");
    }
    return out;
}

/// y = (u - 1) / (u + 1) mod p (XEdDSA §2.3), little-endian, sign bit clear. Public data, so not constant-time.
Result<ByteArray<32>> edwards_y_of(const X25519Public& key) {
    if (is_low_order(key)) return Errc::bad_key;
    thread_local const auto context = openssl::require(openssl::BigNumberContext(BN_CTX_new()), "number context");
    static const auto prime = [] {
        auto p = openssl::require(openssl::BigNumber(BN_new()), "number");
        openssl::require(BN_set_bit(p.get(), 255) == 1 && BN_sub_word(p.get(), 19) == 1, "2^255 - 19");
        return p;
    }();
    const auto u = openssl::require(
        openssl::BigNumber(BN_lebin2bn(key.view().data(), static_cast<int>(key.size_bytes), nullptr)), "number");
    const auto above = openssl::require(openssl::BigNumber(BN_dup(u.get())), "number");
    openssl::require(BN_add_word(above.get(), 1) == 1 && BN_sub_word(u.get(), 1) == 1, "u + 1, u - 1");
    // u + 1 has an inverse: u = p - 1 is of low order and was refused.
    const auto inverse = openssl::require(
        openssl::BigNumber(BN_mod_inverse(nullptr, above.get(), prime.get(), context.get())), "inverse");
    const auto y = openssl::require(openssl::BigNumber(BN_new()), "number");
    openssl::require(BN_mod_mul(y.get(), u.get(), inverse.get(), prime.get(), context.get()) == 1, "product");
    ByteArray<32> out{};
    openssl::require(BN_bn2lebinpad(y.get(), out.data(), static_cast<int>(out.size())) == 32, "encoding");
    return out;
}

}  // namespace

Ed25519Public ed25519_public_of(const Ed25519Seed& seed) {
    require_sodium();
    ByteArray<32> public_key{};
    Secret<64> secret_key;
    crypto_sign_seed_keypair(public_key.data(), secret_key.expose_writable().data(), seed.expose().data());
    return Ed25519Public(public_key);
}

ByteArray<64> sign_ed25519(const Ed25519Seed& seed, BytesView message) {
    require_sodium();
    ByteArray<32> public_key{};
    Secret<64> secret_key;
    crypto_sign_seed_keypair(public_key.data(), secret_key.expose_writable().data(), seed.expose().data());
    ByteArray<64> signature{};
    crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), secret_key.expose().data());
    return signature;
}

Result<void> verify_ed25519(const Ed25519Public& key, BytesView message, BytesView signature) {
    require_sodium();
    if (signature.size() != 64) return Errc::bad_signature;
    if (crypto_sign_verify_detached(signature.data(), message.data(), message.size(), key.view().data()) != 0) {
        return Errc::bad_signature;
    }
    return ok();
}

KeyId key_id_of(const Ed25519Public& key) {
    return KeyId(*to_array<32>(sha256(key.view()).view()));
}

Result<void> verify_xeddsa(const X25519Public& key, BytesView message, BytesView signature) {
    if (signature.size() != 64) return Errc::bad_signature;
    MELDER_TRY(auto edwards, edwards_y_of(key));
    MELDER_TRY(auto detached, to_array<64>(signature));
    // The first Signal clients let the sign of the key travel in the top bit of s; XEdDSA always leaves it zero.
    edwards[31] |= static_cast<Byte>(detached[63] & 0x80U);
    detached[63] &= 0x7F;
    return verify_ed25519(Ed25519Public(edwards), message, detached);
}

ByteArray<64> sign_xeddsa(const X25519Private& key, BytesView message, Random& random) {
    require_sodium();
    Secret<64> wide;  // the clamped key, as a number to be reduced
    std::ranges::copy(key.expose(), wide.expose_writable().begin());
    wide.expose_writable()[0] &= 0xF8;
    wide.expose_writable()[31] = static_cast<Byte>((wide.expose()[31] & 0x7FU) | 0x40U);
    Secret<32> a;
    crypto_core_ed25519_scalar_reduce(a.expose_writable().data(), wide.expose().data());
    auto public_key = times_base(a.expose());
    // XEdDSA §2.3 calculate_key_pair: of the two points with this y, the one with sign 0.
    if ((public_key[31] & 0x80U) != 0) {
        Secret<32> negated;
        crypto_core_ed25519_scalar_negate(negated.expose_writable().data(), a.expose().data());
        a = std::move(negated);
        public_key[31] &= 0x7F;
    }

    ByteArray<32> hash_1_prefix;  // 2^256 - 1 - 1, little-endian: §2.5, hash_i with i = 1
    hash_1_prefix.fill(0xFF);
    hash_1_prefix[0] = 0xFE;
    const auto z = random.secret<Secret<64, struct XeddsaNonceTag>>();
    const auto r = Sha512().add(hash_1_prefix).add(a.expose()).add(message).add(z.expose()).scalar();
    const auto big_r = times_base(r.expose());
    const auto h = Sha512().add(big_r).add(public_key).add(message).scalar();
    Secret<32> s;
    crypto_core_ed25519_scalar_mul(s.expose_writable().data(), h.expose().data(), a.expose().data());
    Secret<32> sum;
    crypto_core_ed25519_scalar_add(sum.expose_writable().data(), s.expose().data(), r.expose().data());

    ByteArray<64> signature{};
    std::ranges::copy(big_r, signature.begin());
    std::ranges::copy(sum.expose(), signature.begin() + 32);
    return signature;
}

}  // namespace melder
