#include "core/enrolment_code.hpp"

#include "core/crockford.hpp"
#include "core/endian.hpp"
#include "core/limits.hpp"

namespace melder {

namespace {

// Layout of the payload: 1 byte n (0..8), n bytes lowest trust-list version (big-endian, no leading zero), the secret.
// Printed: "MLD1-", then Crockford base 32 of the payload, then two characters: the first ten bits of
// SHA-256("MLD1" ‖ payload); in groups of five.
constexpr std::string_view prefix = "MLD1";
constexpr std::size_t checksum_characters = 2;
constexpr std::size_t group_characters = 5;
constexpr std::size_t longest_payload = 1 + 8 + limits::code_secret_bytes_longest;
constexpr std::size_t longest_text = 128;
constexpr std::string_view salt = "Melder/enrol/1";

unsigned checksum_of(BytesView payload) {
    const auto hash = sha256({view(prefix), payload});
    return static_cast<unsigned>(hash.view()[0]) << 2 | hash.view()[1] >> 6;
}

ByteArray<8> version_bytes(std::uint64_t version, std::size_t& count) {
    const auto bytes = big_endian(version);
    count = 8;
    while (count > 0 && bytes[8 - count] == 0)
        --count;
    return bytes;
}

}  // namespace

EnrolmentCode EnrolmentCode::generate(Random& random, std::uint64_t lowest_trust_list) {
    EnrolmentCode code;
    code.secret_ = SecretBuffer(limits::code_secret_bytes_shortest);
    random.fill(code.secret_.expose_writable());
    code.lowest_trust_list_ = lowest_trust_list;
    return code;
}

Result<EnrolmentCode> EnrolmentCode::parse(std::string_view text) {
    const auto mistyped = Error(Errc::code_malformed);
    if (text.size() > longest_text) return mistyped;
    // The characters as values, without what people put between them.
    SecretBuffer values(text.size());
    std::size_t count = 0;
    std::size_t prefix_left = prefix.size();
    for (const char c : text) {
        if (c == '-' || c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        const auto value = crockford_value(c);
        if (!value) return mistyped;
        if (prefix_left > 0) {
            if (*value != crockford_value(prefix[prefix.size() - prefix_left])) return mistyped;
            --prefix_left;
        } else {
            values.expose_writable()[count++] = static_cast<Byte>(*value);
        }
    }
    if (prefix_left > 0 || count <= checksum_characters) return mistyped;

    const std::size_t data_characters = count - checksum_characters;
    const std::size_t payload_size = data_characters * 5 / 8;
    if (payload_size > longest_payload || (payload_size * 8 + 4) / 5 != data_characters) return mistyped;
    SecretBuffer payload(payload_size);
    unsigned bits = 0;
    unsigned held = 0;
    std::size_t written = 0;
    for (std::size_t i = 0; i < data_characters; ++i) {
        bits = bits << 5 | values.expose()[i];
        held += 5;
        if (held >= 8) {
            held -= 8;
            payload.expose_writable()[written++] = static_cast<Byte>(bits >> held);
            bits &= (1U << held) - 1;
        }
    }
    const unsigned checksum = static_cast<unsigned>(values.expose()[data_characters]) << 5 | values.expose()[count - 1];
    if (bits != 0 || payload.empty() || checksum != checksum_of(payload.expose())) return mistyped;

    const std::size_t version_size = payload.expose()[0];
    if (version_size > 8 || payload.size() < 1 + version_size) return mistyped;
    EnrolmentCode code;
    for (std::size_t i = 0; i < version_size; ++i) {
        code.lowest_trust_list_ = code.lowest_trust_list_ << 8 | payload.expose()[1 + i];
    }
    std::size_t shortest = 0;
    (void)version_bytes(code.lowest_trust_list_, shortest);
    const auto secret = payload.expose().subspan(1 + version_size);
    if (shortest != version_size || secret.size() < limits::code_secret_bytes_shortest ||
        secret.size() > limits::code_secret_bytes_longest) {
        return mistyped;
    }
    code.secret_ = SecretBuffer(secret);
    return code;
}

SecretBuffer EnrolmentCode::text() const {
    std::size_t version_size = 0;
    const auto version = version_bytes(lowest_trust_list_, version_size);
    SecretBuffer payload(1 + version_size + secret_.size());
    auto out = payload.expose_writable();
    out[0] = static_cast<Byte>(version_size);
    std::copy_n(version.end() - static_cast<std::ptrdiff_t>(version_size), version_size, out.begin() + 1);
    std::ranges::copy(secret_.expose(), out.begin() + 1 + static_cast<std::ptrdiff_t>(version_size));

    SecretBuffer text(longest_text);
    std::size_t written = 0;
    std::size_t in_group = group_characters;  // the prefix is a group of its own
    const auto put = [&](char c) { text.expose_writable()[written++] = static_cast<Byte>(c); };
    const auto put_value = [&](unsigned value) {
        if (in_group == group_characters) {
            put('-');
            in_group = 0;
        }
        put(crockford_alphabet[value & 31U]);
        ++in_group;
    };
    for (const char c : prefix)
        put(c);
    unsigned bits = 0;
    unsigned held = 0;
    for (const Byte b : payload.expose()) {
        bits = bits << 8 | b;
        held += 8;
        while (held >= 5) {
            held -= 5;
            put_value(bits >> held);
            bits &= (1U << held) - 1;
        }
    }
    if (held > 0) put_value(bits << (5 - held));
    const unsigned checksum = checksum_of(payload.expose());
    put_value(checksum >> 5);
    put_value(checksum);
    text.truncate(written);
    return text;
}

EnrolmentId EnrolmentCode::enrolment_id() const {
    ByteArray<16> out{};
    hkdf_sha256(secret_.expose(), view(salt), {view("id")}, out);
    return EnrolmentId(out);
}

Result<Ed25519Seed> EnrolmentCode::enrolment_seed(std::string_view second_part) const {
    const std::size_t stretched_size = second_part.empty() ? 0 : 32;
    SecretBuffer ikm(secret_.size() + stretched_size);
    std::ranges::copy(secret_.expose(), ikm.expose_writable().begin());
    if (stretched_size != 0) {
        MELDER_CHECK(scrypt(view(second_part), sha256(secret_.expose()).view(), limits::code_scrypt_n,
                            limits::code_scrypt_r, limits::code_scrypt_p, ikm.expose_writable().last(stretched_size)));
    }
    Ed25519Seed seed;
    hkdf_sha256(ikm.expose(), view(salt), {view("key")}, seed.expose_writable());
    return seed;
}

}  // namespace melder
