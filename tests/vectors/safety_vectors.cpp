#include <openssl/evp.h>

#include "core/crypto.hpp"
#include "sdk/crypto/fingerprint.hpp"
#include "tests/vectors/vectors.hpp"

namespace melder::vectors {

namespace {

Bytes sha512(const Bytes& of) {
    Bytes out(64);
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, "SHA512", nullptr, of.data(), of.size(), out.data(), &size) != 1)
        throw Mismatch("SHA-512 failed");
    return out;
}

Bytes joined(std::initializer_list<BytesView> parts) {
    Bytes out;
    for (const auto& part : parts)
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

std::string digits(const Bytes& of) {
    std::string out;
    for (std::size_t at = 0; at < 30; at += 5) {
        std::uint64_t number = 0;
        for (std::size_t i = at; i < at + 5; ++i)
            number = number * 256 + of[i];
        const auto five = std::to_string(100'000 + number % 100'000);
        out += five.substr(1);
    }
    return out;
}

}  // namespace

void write_safety_number(Pen& pen) {
    pen.begin("safety number");
    const auto officer_a = pen.given_random("officer_a", 16);
    auto first = pen.given_random("identity_key", 32);
    auto second = pen.given_random("identity_key", 32);
    const auto officer_b = pen.given_random("officer_b", 16);
    const auto third = pen.given_random("identity_key", 32);
    const sdk::FingerprintParty a{officer_a, {X25519Public::from(first).value(), X25519Public::from(second).value()}};
    const sdk::FingerprintParty b{officer_b, {X25519Public::from(third).value()}};

    if (second < first) std::swap(first, second);
    const Bytes type{5};
    const auto hash = [](const Bytes& keys, const Bytes& officer) {
        auto h = joined({Bytes{0, 0}, keys, officer});
        for (int i = 0; i < 5200; ++i)
            h = sha512(joined({h, keys}));
        return h;
    };
    const auto h_a = hash(joined({type, first, type, second}), officer_a);
    const auto h_b = hash(joined({type, third}), officer_b);
    pen.equals("h_a", h_a);
    pen.equals("h_b", h_b);
    const auto half_a = digits(h_a);
    const auto half_b = digits(h_b);
    const auto number = std::min(half_a, half_b) + std::max(half_a, half_b);
    pen.equals_text("safety_number", number);
    pen.require(sdk::fingerprint_of(a, b) == number && sdk::fingerprint_of(b, a) == number,
                "the library computes the same");
}

}  // namespace melder::vectors
