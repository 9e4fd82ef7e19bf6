#include "apps/melder-admin/paper_share.hpp"

#include <algorithm>

#include "core/crockford.hpp"

namespace melder::admin {
namespace {

constexpr std::string_view sum_context = "Melder/1 share sum";
constexpr std::string_view line_context = "Melder/1 share line";
constexpr ByteArray<1> separator{0};
constexpr std::size_t line_characters = 12;
constexpr std::size_t check_characters = 2;
constexpr std::size_t group_characters = 4;
constexpr std::size_t share_bytes = 45;  // 72 characters of five bits
constexpr std::size_t sum_bytes = 4;
constexpr std::size_t split_at = 3, key_at = 5, y_at = 9, sum_at = 41;
static_assert(sum_at + sum_bytes == share_bytes && share_bytes * 8 == share_lines * line_characters * 5);

ByteArray<check_characters> check_of(BytesView characters, std::size_t number) {
    const ByteArray<1> place{static_cast<Byte>(number)};
    const auto hash = sha256({view(line_context), separator, place, characters});
    const unsigned bits = (unsigned{hash.view()[0]} << 2U) | (unsigned{hash.view()[1]} >> 6U);
    return {static_cast<Byte>(crockford_alphabet[bits >> 5U]), static_cast<Byte>(crockford_alphabet[bits & 31U])};
}

ByteArray<sum_bytes> sum_of(BytesView bytes) {
    const auto hash = sha256({view(sum_context), separator, bytes.first(sum_at)});
    ByteArray<sum_bytes> out{};
    std::ranges::copy(hash.view().first(sum_bytes), out.begin());
    return out;
}

}  // namespace

std::array<SecretBuffer, share_lines> write_share(const PaperShare& share) {
    SecretBuffer bytes(share_bytes);
    auto out = bytes.expose_writable();
    out[0] = 1;
    out[1] = share.threshold;
    out[2] = share.share.x;
    std::ranges::copy(share.split, out.begin() + split_at);
    std::ranges::copy(share.key, out.begin() + key_at);
    std::ranges::copy(share.share.y.expose(), out.begin() + y_at);
    std::ranges::copy(sum_of(bytes.expose()), out.begin() + sum_at);
    std::array<SecretBuffer, share_lines> lines;
    for (std::size_t i = 0; i < share_lines; ++i) {
        SecretBuffer characters(line_characters);
        for (std::size_t j = 0; j < line_characters; ++j) {
            unsigned value = 0;
            for (std::size_t bit = 0; bit < 5; ++bit) {
                const auto at = (i * line_characters + j) * 5 + bit;
                value = (value << 1U) | ((unsigned{out[at / 8]} >> (7 - at % 8)) & 1U);
            }
            characters.expose_writable()[j] = static_cast<Byte>(crockford_alphabet[value]);
        }
        const auto check = check_of(characters.expose(), i + 1);
        lines[i] = SecretBuffer(line_characters + check_characters + line_characters / group_characters);
        auto at = lines[i].expose_writable().begin();
        for (std::size_t j = 0; j < line_characters; j += group_characters) {
            at = std::ranges::copy(characters.expose().subspan(j, group_characters), at).out;
            *at++ = ' ';
        }
        std::ranges::copy(check, at);
    }
    return lines;
}

Result<SecretBuffer> read_share_line(std::string_view typed, std::size_t number) {
    SecretBuffer characters(line_characters + check_characters);
    std::size_t count = 0;
    for (const char c : typed) {
        if (c == ' ' || c == '-' || c == '\t' || c == '\r') continue;
        const auto value = crockford_value(c);
        if (!value) return Error(Errc::malformed, "a character that no share has");
        if (count < characters.size())
            characters.expose_writable()[count] = static_cast<Byte>(crockford_alphabet[*value]);
        ++count;
    }
    if (count != characters.size()) return Error(Errc::malformed, "a line has 14 characters");
    const auto check = check_of(characters.expose().first(line_characters), number);
    if (!std::ranges::equal(check, characters.expose().subspan(line_characters)))
        return Error(Errc::malformed, "mistyped, or another line");
    characters.truncate(line_characters);
    return characters;
}

Result<PaperShare> read_share(const std::vector<SecretBuffer>& lines) {
    if (lines.size() != share_lines) return Error(Errc::malformed, "a share has six lines");
    SecretBuffer bytes(share_bytes);
    auto out = bytes.expose_writable();
    std::size_t at = 0;
    for (const auto& line : lines) {
        if (line.size() != line_characters) return Error(Errc::malformed, "a line has 12 characters and its check");
        for (const auto c : line.expose()) {
            const auto value = crockford_value(static_cast<char>(c));
            if (!value) return Error(Errc::malformed, "a character that no share has");
            for (std::size_t bit = 0; bit < 5; ++bit, ++at)
                out[at / 8] = static_cast<Byte>(out[at / 8] | (((*value >> (4 - bit)) & 1U) << (7 - at % 8)));
        }
    }
    if (!std::ranges::equal(sum_of(bytes.expose()), bytes.expose().subspan(sum_at)))
        return Error(Errc::malformed, "the lines belong to different shares");
    if (out[0] != 1) return Error(Errc::unsupported, "a share of a later version");
    PaperShare share;
    share.threshold = out[1];
    share.share.x = out[2];
    std::ranges::copy(bytes.expose().subspan(split_at, 2), share.split.begin());
    std::ranges::copy(bytes.expose().subspan(key_at, 4), share.key.begin());
    std::ranges::copy(bytes.expose().subspan(y_at, 32), share.share.y.expose_writable().begin());
    return share;
}

Result<Ed25519Seed> recover_seed(const std::vector<PaperShare>& shares) {
    if (shares.empty()) return Error(Errc::bad_argument, "no share was given");
    const auto& first = shares.front();
    std::vector<SeedShare> used;
    for (const auto& share : shares) {
        if (share.split != first.split || share.key != first.key || share.threshold != first.threshold)
            return Error(Errc::bad_argument, "the shares were not printed together; take those of one printing");
        if (std::ranges::any_of(used, [&](const SeedShare& other) { return other.x == share.share.x; }))
            return Error(Errc::bad_argument, "share " + std::to_string(share.share.x) + " stands there twice");
        if (used.size() < first.threshold) used.push_back({share.share.x, share.share.y.clone()});
    }
    if (used.size() < first.threshold) {
        return Error(Errc::bad_argument, std::to_string(first.threshold) + " shares are needed, " +
                                             std::to_string(used.size()) + " were given; fewer reveal nothing");
    }
    MELDER_TRY(auto seed, combine_seed(used));
    const auto id = key_id_of(ed25519_public_of(seed));
    if (!std::ranges::equal(first.key, id.view().first(first.key.size())))
        return Error(Errc::malformed, "what comes out is not the key that was shared; a share is forged");
    return seed;
}

}  // namespace melder::admin
