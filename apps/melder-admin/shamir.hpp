#pragma once
// Shamir's secret sharing over GF(2^8), each byte for itself: A. Shamir, "How to share a secret", CACM 22 (1979). The
// field is AES's, x^8 + x^4 + x^3 + x + 1 (FIPS 197 §4.2). Share x is the polynomial's value at x; the secret its value
// at 0. Fewer shares than the threshold say nothing about the secret. Multiplication is free of branches and tables on
// secrets.

#include <cstdint>
#include <vector>

#include "core/crypto.hpp"

namespace melder::admin {

[[nodiscard]] Byte gf256_multiply(Byte a, Byte b) noexcept;
/// a⁻¹ for a ≠ 0; 0 for 0.
[[nodiscard]] Byte gf256_invert(Byte a) noexcept;
/// coefficients[0] + coefficients[1]·x + …
[[nodiscard]] Byte gf256_evaluate(BytesView coefficients, Byte x) noexcept;

struct SeedShare {
    Byte x = 0;  ///< 1, 2, …; 0 would be the secret itself
    Secret<32> y;
};

/// `bad_argument` unless 2 ≤ threshold ≤ count ≤ 16.
[[nodiscard]] Result<std::vector<SeedShare>> split_seed(const Ed25519Seed& seed, std::size_t threshold,
                                                        std::size_t count, Random& random);
/// From exactly `threshold` shares (more are not needed, fewer give another seed). `bad_argument` without shares, for
/// one that stands there twice or at 0.
[[nodiscard]] Result<Ed25519Seed> combine_seed(const std::vector<SeedShare>& shares);

}  // namespace melder::admin
