#pragma once
// Randomness as an argument, so that vectors and simulations can be replayed.

#include <span>

#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/secret.hpp"

namespace melder {

/// Fills buffers with random bytes. Thread-safe unless an implementation says otherwise. A failing system source is a
/// broken invariant and throws.
class Random {
public:
    virtual ~Random() = default;
    virtual void fill(std::span<Byte> out) = 0;

    template <class IdType>
    [[nodiscard]] IdType id() {
        ByteArray<IdType::size_bytes> bytes;
        fill(bytes);
        return IdType(bytes);
    }
    template <class SecretType>
    [[nodiscard]] SecretType secret() {
        SecretType out;
        fill(out.expose_writable());
        return out;
    }
    [[nodiscard]] std::uint64_t u64();
    /// Uniform in [0, bound); bound > 0. For jitter, not for keys.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound);
};

/// OpenSSL's RAND_bytes.
[[nodiscard]] Random& system_random();

/// SHA-256 in counter mode over a seed: the same seed gives the same bytes for ever. Tests, vectors and simulation
/// only. Not thread-safe.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : seed_(seed) {}
    void fill(std::span<Byte> out) override;

private:
    std::uint64_t seed_;
    std::uint64_t counter_ = 0;
};

}  // namespace melder
