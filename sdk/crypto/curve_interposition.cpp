#include "sdk/crypto/curve_interposition.hpp"

#include <atomic>
#include <cstring>

#include "core/crypto.hpp"
#include "sdk/crypto/signal_handles.hpp"

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

bool curve_is_interposed() {
    static const bool bound = [] {
        const auto pair = generate_x25519(system_random());
        const auto encoded = to_djb_key(pair.public_key);
        SignalHandle<signal_context> context;
        SignalHandle<ec_public_key> point;
        SignalHandle<ec_private_key> secret;
        static_cast<void>(signal_context_create(out(context), nullptr));
        static_cast<void>(curve_decode_point(out(point), encoded.data(), encoded.size(), context.get()));
        static_cast<void>(curve_decode_private_point(out(secret), pair.private_key.expose().data(), 32, context.get()));
        const auto before = calls.load();
        uint8_t* shared = nullptr;
        if (curve_calculate_agreement(&shared, point.get(), secret.get()) > 0) {
            wipe(shared, 32);
            free(shared);
        }
        return calls.load() != before;
    }();
    return bound;
}

}  // namespace melder::sdk
