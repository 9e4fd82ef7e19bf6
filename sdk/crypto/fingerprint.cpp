#include "sdk/crypto/fingerprint.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace melder::sdk {
namespace {

constexpr Byte version[] = {0, 0};
constexpr std::size_t groups = 6;
constexpr std::size_t group_bytes = 5;
constexpr std::uint64_t group_modulus = 100'000;

using Digest = ByteArray<64>;

Digest sha512(std::initializer_list<BytesView> parts) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    Digest out{};
    bool fine = context && EVP_DigestInit_ex(context.get(), EVP_sha512(), nullptr) == 1;
    for (const auto& part : parts)
        fine = fine && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
    if (!fine || EVP_DigestFinal_ex(context.get(), out.data(), nullptr) != 1)
        throw std::runtime_error("SHA-512 failed");
    return out;
}

/// The keys in ascending order of their bytes, with their type byte.
Bytes joined(const std::vector<X25519Public>& identity_keys) {
    std::vector<std::array<Byte, 33>> keys;
    for (const auto& key : identity_keys)
        keys.push_back(to_djb_key(key));
    std::ranges::sort(keys);
    Bytes out;
    for (const auto& key : keys)
        out.insert(out.end(), key.begin(), key.end());
    return out;
}

/// hash(0) = version ‖ keys ‖ id; hash(n) = SHA-512(hash(n-1) ‖ keys); then 30 digits out of the first 30 bytes.
std::string half_of(const FingerprintParty& party, std::uint32_t iterations) {
    const auto keys = joined(party.identity_keys);
    auto hash = sha512({version, keys, party.stable_id, keys});
    for (std::uint32_t i = 1; i < iterations; ++i)
        hash = sha512({hash, keys});
    std::string digits;
    for (std::size_t group = 0; group < groups; ++group) {
        std::uint64_t number = 0;
        for (std::size_t i = 0; i < group_bytes; ++i)
            number = (number << 8) | hash[group * group_bytes + i];
        const auto text = std::to_string(number % group_modulus);
        digits.append(group_bytes - text.size(), '0').append(text);
    }
    return digits;
}

}  // namespace

std::string fingerprint_of(const FingerprintParty& one, const FingerprintParty& other, std::uint32_t iterations) {
    const auto first = half_of(one, iterations);
    const auto second = half_of(other, iterations);
    return std::min(first, second) + std::max(first, second);
}

}  // namespace melder::sdk
