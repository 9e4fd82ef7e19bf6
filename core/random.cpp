#include "core/random.hpp"

#include <openssl/rand.h>

#include <limits>
#include <stdexcept>

#include "core/crypto.hpp"
#include "core/endian.hpp"

namespace melder {

namespace {

class SystemRandom final : public Random {
public:
    void fill(std::span<Byte> out) override {
        if (out.empty()) return;
        if (out.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
            RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
            throw std::runtime_error("the system's source of randomness failed");
        }
    }
};

}  // namespace

std::uint64_t Random::u64() {
    ByteArray<8> bytes{};
    fill(bytes);
    return from_big_endian<std::uint64_t>(bytes);
}

std::uint64_t Random::below(std::uint64_t bound) {
    if (bound == 0) throw std::invalid_argument("Random::below needs a bound above zero");
    // Values under 2^64 mod bound are drawn again, so that every result is equally likely.
    const std::uint64_t uneven = (0 - bound) % bound;
    std::uint64_t value = u64();
    while (value < uneven)
        value = u64();
    return value % bound;
}

Random& system_random() {
    static SystemRandom random;
    return random;
}

void SeededRandom::fill(std::span<Byte> out) {
    while (!out.empty()) {
        const auto block = sha256({big_endian(seed_), big_endian(counter_++)});
        const std::size_t count = std::min(out.size(), Hash::size_bytes);
        std::ranges::copy(block.view().first(count), out.begin());
        out = out.subspan(count);
    }
}

}  // namespace melder
