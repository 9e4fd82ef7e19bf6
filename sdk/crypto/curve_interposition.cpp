#include "sdk/crypto/curve_interposition.hpp"

#include <atomic>
#include <cstring>

#include "core/crypto.hpp"
#include "sdk/crypto/signal_provider.hpp"
#include "sdk/crypto/signal_stores.hpp"

namespace {

using namespace melder;

std::atomic<unsigned> calls{0};

/// The 64 bytes that libsignal drew already.
class DrawnRandom final : public Random {
public:
    explicit DrawnRandom(BytesView drawn) : drawn_(drawn) {}
    void fill(std::span<Byte> out) override {
        std::memcpy(out.data(), drawn_.data(), out.size());
        drawn_ = drawn_.subspan(out.size());
    }

private:
    BytesView drawn_;
};

constexpr std::size_t signature_randomness_bytes = 64;
constexpr ByteArray<32> base_point{9};

template <class T>
T key_of(const unsigned char* bytes) {
    return T::from(BytesView(bytes, 32)).value();
}

}  // namespace

#define MELDER_INTERPOSED extern "C" __attribute__((visibility("default")))

MELDER_INTERPOSED int curve25519_donna(unsigned char* out, const unsigned char* secret, const unsigned char* point);
MELDER_INTERPOSED int curve25519_sign(unsigned char* signature, const unsigned char* key, const unsigned char* message,
                                      unsigned long size, const unsigned char* random);
MELDER_INTERPOSED int curve25519_verify(const unsigned char* signature, const unsigned char* key,
                                        const unsigned char* message, unsigned long size);

int curve25519_donna(unsigned char* out, const unsigned char* secret, const unsigned char* point) {
    calls.fetch_add(1, std::memory_order_relaxed);
    const auto own = key_of<X25519Private>(secret);
    if (std::memcmp(point, base_point.data(), base_point.size()) == 0) {
        std::memcpy(out, x25519_public_of(own).view().data(), X25519Public::size_bytes);
        return 0;
    }
    const auto shared = x25519(own, key_of<X25519Public>(point));
    if (shared.has_error()) {
        // The library does not look at a result; all zero is what it would have computed itself.
        std::memset(out, 0, X25519Public::size_bytes);
        return 0;
    }
    std::memcpy(out, shared->expose().data(), X25519Public::size_bytes);
    return 0;
}

int curve25519_sign(unsigned char* signature, const unsigned char* key, const unsigned char* message,
                    unsigned long size, const unsigned char* random) {
    DrawnRandom drawn({random, signature_randomness_bytes});
    const auto made = sign_xeddsa(key_of<X25519Private>(key), {message, size}, drawn);
    std::memcpy(signature, made.data(), made.size());
    return 0;
}

int curve25519_verify(const unsigned char* signature, const unsigned char* key, const unsigned char* message,
                      unsigned long size) {
    return verify_xeddsa(key_of<X25519Public>(key), {message, size}, {signature, 64}).has_value() ? 0 : -1;
}

namespace melder::sdk {
namespace {

/// What the library computes; empty if it refuses.
SecretBuffer agree_by_library(const X25519Private& own, const X25519Public& theirs, signal_context* context) {
    const auto encoded = to_djb_key(theirs);
    SignalHandle<ec_public_key> point;
    SignalHandle<ec_private_key> secret;
    static_cast<void>(curve_decode_point(out(point), encoded.data(), encoded.size(), context));
    static_cast<void>(curve_decode_private_point(out(secret), own.expose().data(), own.size_bytes, context));
    uint8_t* shared = nullptr;
    const int size = curve_calculate_agreement(&shared, point.get(), secret.get());
    if (size <= 0) return {};
    SecretBuffer result(BytesView(shared, static_cast<std::size_t>(size)));
    wipe(shared, static_cast<std::size_t>(size));
    free(shared);
    return result;
}

bool agrees_as_rfc_7748_says(signal_context* context) {
    // Clamped already: the library's own ladder leaves that to whoever made the key.
    const auto bytes = from_hex("70076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c6a").value();
    const auto own = X25519Private::from(bytes).value();
    const auto theirs =
        X25519Public::from_hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f").value();
    const auto expected = from_hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742").value();
    return equal(agree_by_library(own, theirs, context).expose(), expected);
}

bool signs_as_core_verifies(signal_context* context) {
    const auto keys = generate_x25519(system_random());
    const auto pair = make_key_pair(keys, context);
    const auto message = view("self-test");
    SignalHandle<signal_buffer> made;
    if (!pair || curve_calculate_signature(context, out(made), ec_key_pair_get_private(pair.get()), message.data(),
                                           message.size()) != SG_SUCCESS) {
        return false;
    }
    const auto signature = view_of(made.get());
    const auto accepts = [&](BytesView text) {
        return curve_verify_signature(ec_key_pair_get_public(pair.get()), text.data(), text.size(), signature.data(),
                                      signature.size()) == 1;
    };
    return verify_xeddsa(keys.public_key, message, signature).has_value() && accepts(message) &&
           !accepts(view("another"));
}

}  // namespace

bool curve_is_interposed() {
    static const bool bound = [] {
        const auto pair = generate_x25519(system_random());
        SignalHandle<signal_context> context;
        static_cast<void>(signal_context_create(out(context), nullptr));
        const auto before = calls.load();
        static_cast<void>(agree_by_library(pair.private_key, pair.public_key, context.get()));
        return calls.load() != before;
    }();
    return bound;
}

bool curve_is_right() {
    static const bool right = [] {
        SignalProvider provider(system_random());
        const auto callbacks = provider.callbacks();
        SignalHandle<signal_context> context;
        static_cast<void>(signal_context_create(out(context), nullptr));
        static_cast<void>(signal_context_set_crypto_provider(context.get(), &callbacks));
        return agrees_as_rfc_7748_says(context.get()) && signs_as_core_verifies(context.get());
    }();
    return right;
}

}  // namespace melder::sdk
