#include "core/diagnosis.hpp"

#include <algorithm>
#include <bit>

#include "core/crockford.hpp"
#include "core/crypto.hpp"
#include "core/endian.hpp"
#include "core/signed.hpp"

namespace melder {
namespace {

constexpr std::size_t characters = 8;

std::uint32_t checksum_of(std::uint32_t bits) {
    const auto hash = sha256(signing_input(Context::diagnosis, big_endian(bits)));
    return static_cast<std::uint32_t>(hash.view()[0]) << 2 | hash.view()[1] >> 6;
}

/// A number that does not fit is shown as the largest one; it says at least that there is something.
std::uint32_t error_bits(Errc code) {
    return std::min<std::uint32_t>(static_cast<std::uint32_t>(code), 255);
}

}  // namespace

std::uint8_t log2_above(std::size_t count, std::uint8_t most) noexcept {
    return static_cast<std::uint8_t>(std::min<int>(std::bit_width(count), most));
}

std::string code_of(const Diagnosis& diagnosis) {
    std::uint32_t bits = static_cast<std::uint32_t>(diagnosis.link) & 3;
    bits = bits << 8 | error_bits(diagnosis.link_error);
    bits = bits << 8 | error_bits(diagnosis.sealing_error);
    bits = bits << 5 | std::min<std::uint32_t>(diagnosis.head_age_hours, 31);
    bits = bits << 4 | std::min<std::uint32_t>(diagnosis.waiting_log2, 15);
    bits = bits << 3 | std::min<std::uint32_t>(diagnosis.losses_log2, 7);
    const auto all = static_cast<std::uint64_t>(bits) << 10 | checksum_of(bits);
    std::string out;
    for (std::size_t i = 0; i < characters; ++i) {
        if (i == characters / 2) out += '-';
        out += crockford_alphabet[all >> (5 * (characters - 1 - i)) & 31];
    }
    return out;
}

Result<Diagnosis> parse_diagnosis(std::string_view text) {
    std::uint64_t all = 0;
    std::size_t count = 0;
    for (const char c : text) {
        if (c == '-' || c == ' ') continue;
        const auto value = crockford_value(c);
        if (!value || ++count > characters) return Errc::code_malformed;
        all = all << 5 | *value;
    }
    const auto bits = static_cast<std::uint32_t>(all >> 10);
    if (count != characters || (all & 1023) != checksum_of(bits)) return Errc::code_malformed;
    Diagnosis out;
    out.losses_log2 = bits & 7;
    out.waiting_log2 = bits >> 3 & 15;
    out.head_age_hours = bits >> 7 & 31;
    out.sealing_error = static_cast<Errc>(bits >> 12 & 255);
    out.link_error = static_cast<Errc>(bits >> 20 & 255);
    out.link = static_cast<Diagnosis::Link>(bits >> 28 & 3);
    return out;
}

}  // namespace melder
