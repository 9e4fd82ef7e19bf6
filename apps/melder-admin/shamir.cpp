#include "apps/melder-admin/shamir.hpp"

#include <set>

namespace melder::admin {
namespace {

constexpr std::size_t most_shares = 16;
constexpr unsigned reduction = 0x1b;  // x^4 + x^3 + x + 1: what x^8 is in this field

}  // namespace

Byte gf256_multiply(Byte a, Byte b) noexcept {
    unsigned product = 0;
    unsigned power = a;
    for (unsigned bit = 0; bit < 8; ++bit) {
        product ^= power & (0U - ((unsigned{b} >> bit) & 1U));
        power = ((power << 1U) ^ (reduction & (0U - (power >> 7U)))) & 0xffU;
    }
    return static_cast<Byte>(product);
}

Byte gf256_invert(Byte a) noexcept {
    // a^254, since a^255 = 1.
    Byte result = 1;
    Byte power = a;
    for (unsigned bit = 1; bit < 8; ++bit) {
        power = gf256_multiply(power, power);
        result = gf256_multiply(result, power);
    }
    return result;
}

Byte gf256_evaluate(BytesView coefficients, Byte x) noexcept {
    Byte value = 0;
    for (std::size_t i = coefficients.size(); i-- > 0;)
        value = gf256_multiply(value, x) ^ coefficients[i];
    return value;
}

Result<std::vector<SeedShare>> split_seed(const Ed25519Seed& seed, std::size_t threshold, std::size_t count,
                                          Random& random) {
    if (threshold < 2 || threshold > count || count > most_shares) {
        return Error(Errc::bad_argument,
                     "--threshold is at least 2 and at most --shares, which is at most 16; 3 of 5 is usual");
    }
    std::vector<SeedShare> shares(count);
    SecretBuffer coefficients(threshold);
    for (std::size_t i = 0; i < count; ++i)
        shares[i].x = static_cast<Byte>(i + 1);
    for (std::size_t at = 0; at < Ed25519Seed::size_bytes; ++at) {
        coefficients.expose_writable()[0] = seed.expose()[at];
        random.fill(coefficients.expose_writable().subspan(1));
        for (auto& share : shares)
            share.y.expose_writable()[at] = gf256_evaluate(coefficients.expose(), share.x);
    }
    return shares;
}

Result<Ed25519Seed> combine_seed(const std::vector<SeedShare>& shares) {
    std::set<Byte> places;
    for (const auto& share : shares) {
        if (share.x == 0 || !places.insert(share.x).second)
            return Error(Errc::bad_argument, "a share stands there twice");
    }
    if (shares.empty()) return Error(Errc::bad_argument, "there are no shares");
    Ed25519Seed seed;
    for (const auto& share : shares) {
        // Lagrange at 0: the product of x_j / (x_j - x_i); minus is plus is xor.
        Byte weight = 1;
        for (const auto& other : shares) {
            if (other.x != share.x)
                weight = gf256_multiply(weight, gf256_multiply(other.x, gf256_invert(other.x ^ share.x)));
        }
        for (std::size_t at = 0; at < Ed25519Seed::size_bytes; ++at)
            seed.expose_writable()[at] ^= gf256_multiply(share.y.expose()[at], weight);
    }
    return seed;
}

}  // namespace melder::admin
