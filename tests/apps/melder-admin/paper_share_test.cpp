#include "apps/melder-admin/paper_share.hpp"

#include <gtest/gtest.h>

#include <map>

#include "core/random.hpp"

namespace melder::admin {
namespace {

TEST(Gf256, is_the_field_of_aes) {
    // FIPS 197, section 4.2 and 4.2.1.
    EXPECT_EQ(gf256_multiply(0x57, 0x83), 0xc1);
    EXPECT_EQ(gf256_multiply(0x57, 0x13), 0xfe);
    EXPECT_EQ(gf256_multiply(0x57, 0x02), 0xae);
    for (unsigned a = 1; a < 256; ++a)
        EXPECT_EQ(gf256_multiply(static_cast<Byte>(a), gf256_invert(static_cast<Byte>(a))), 1) << a;
    EXPECT_EQ(gf256_invert(0), 0);
}

TEST(Shamir, two_shares_of_three_say_nothing_about_a_byte) {
    // For every secret, every pair of values at two places belongs to exactly one choice of the two random
    // coefficients: with those chosen evenly, two shares look the same whatever the secret is.
    for (const auto& [first, second] : {std::pair<Byte, Byte>{1, 2}, {2, 5}}) {
        for (const unsigned secret : {0U, 1U, 0x53U, 0xffU}) {
            std::vector<unsigned> seen(65536);
            for (unsigned a = 0; a < 256; ++a) {
                for (unsigned b = 0; b < 256; ++b) {
                    const ByteArray<3> line{static_cast<Byte>(secret), static_cast<Byte>(a), static_cast<Byte>(b)};
                    ++seen[gf256_evaluate(line, first) * 256U + gf256_evaluate(line, second)];
                }
            }
            EXPECT_TRUE(std::ranges::all_of(seen, [](unsigned count) { return count == 1; })) << secret;
        }
    }
}

TEST(Shamir, one_coefficient_less_would_give_the_byte_away) {
    // The same count for a straight line: two shares then fit one secret only, and the check above fails.
    std::map<unsigned, unsigned> seen;
    for (unsigned a = 0; a < 256; ++a) {
        const ByteArray<2> line{7, static_cast<Byte>(a)};
        ++seen[gf256_evaluate(line, 1) * 256U + gf256_evaluate(line, 2)];
    }
    EXPECT_EQ(seen.size(), 256U);
}

TEST(Shamir, any_three_of_five_give_the_seed_back_and_no_two_do) {
    SeededRandom random(7);
    const auto seed = random.secret<Ed25519Seed>();
    const auto shares = split_seed(seed, 3, 5, random).value();
    const auto pick = [&](std::initializer_list<std::size_t> which) {
        std::vector<SeedShare> out;
        for (const auto i : which)
            out.push_back({shares[i].x, shares[i].y.clone()});
        return out;
    };
    for (std::size_t a = 0; a < 5; ++a) {
        for (std::size_t b = a + 1; b < 5; ++b) {
            EXPECT_FALSE(combine_seed(pick({a, b}))->equals(seed));
            for (std::size_t c = b + 1; c < 5; ++c)
                EXPECT_TRUE(combine_seed(pick({c, a, b}))->equals(seed));
        }
    }
    EXPECT_TRUE(combine_seed(pick({1, 1, 2})).has_error());
    EXPECT_TRUE(combine_seed({}).has_error());
    for (const auto& [threshold, count] : {std::pair<std::size_t, std::size_t>{1, 5}, {0, 0}, {6, 5}, {3, 17}})
        EXPECT_EQ(split_seed(seed, threshold, count, random).error(), Errc::bad_argument);
}

PaperShare example() {
    PaperShare share;
    share.threshold = 3;
    share.share.x = 2;
    for (std::size_t i = 0; i < 32; ++i)
        share.share.y.expose_writable()[i] = static_cast<Byte>(i);
    share.split = {0xab, 0xcd};
    share.key = {1, 2, 3, 4};
    return share;
}

std::vector<std::string> printed(const PaperShare& share) {
    std::vector<std::string> out;
    for (const auto& line : write_share(share))
        out.emplace_back(as_chars(line.expose()));
    return out;
}
std::vector<SecretBuffer> typed(const PaperShare& share) {
    std::vector<SecretBuffer> out;
    const auto lines = printed(share);
    for (std::size_t i = 0; i < lines.size(); ++i)
        out.push_back(read_share_line(lines[i], i + 1).value());
    return out;
}

TEST(PaperShare, has_a_fixed_form) {
    // Golden, computed apart from this code: what was printed once must be read for ever.
    const std::vector<std::string> expected{"041G 5AYD 0410 3F", "6100 0410 6105 VZ", "0R3G G28A 1C60 95",
                                            "T3GF 208H 44RM ZT", "2MB1 E60S 38DH 8R", "R78Y 3X1M YEF5 AX"};
    EXPECT_EQ(printed(example()), expected);
    const auto read = read_share(typed(example())).value();
    EXPECT_EQ(read.threshold, 3);
    EXPECT_EQ(read.share.x, 2);
    EXPECT_TRUE(read.share.y.equals(example().share.y));
    EXPECT_EQ(read.split, example().split);
    EXPECT_EQ(read.key, example().key);
}

TEST(PaperShare, is_read_as_a_person_types_it) {
    const auto line = printed(example())[0];
    const auto whole = read_share_line(line, 1).value();
    std::string small = line;
    for (auto& c : small)
        c = c == '0' ? 'o' : c == '1' ? 'l' : c == ' ' ? '-' : static_cast<char>(std::tolower(c));
    EXPECT_TRUE(equal(read_share_line(small, 1)->expose(), whole.expose()));
    EXPECT_TRUE(read_share_line(line, 2).has_error()) << "a line belongs to its place";
    EXPECT_TRUE(read_share_line(line.substr(1), 1).has_error());
    EXPECT_TRUE(read_share_line(line + "X", 1).has_error());
    EXPECT_TRUE(read_share_line("", 1).has_error());
    EXPECT_TRUE(read_share_line("????", 1).has_error());
}

TEST(PaperShare, nearly_every_slip_is_found_in_its_line) {
    const std::string alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const auto line = printed(example())[3];
    std::size_t slips = 0;
    std::size_t unseen = 0;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == ' ') continue;
        for (const char c : alphabet) {
            if (c == line[at]) continue;
            auto other = line;
            other[at] = c;
            ++slips;
            if (read_share_line(other, 4).has_value()) ++unseen;
        }
    }
    EXPECT_EQ(slips, 14U * 31U);
    EXPECT_LE(unseen, 3U) << "ten bits: one in a thousand";
}

TEST(PaperShare, lines_of_different_shares_do_not_make_one) {
    auto other = example();
    other.share.x = 3;
    auto lines = typed(example());
    lines[4] = typed(other)[4].clone();
    auto changed = example();
    changed.share.y.expose_writable()[20] ^= 1;
    lines[3] = typed(changed)[3].clone();
    EXPECT_EQ(read_share(lines).error(), Errc::malformed);
    EXPECT_TRUE(read_share({}).has_error());
}

TEST(PaperShare, only_shares_of_one_printing_give_the_key) {
    SeededRandom random(9);
    const auto seed = random.secret<Ed25519Seed>();
    const auto print = [&](Byte split) {
        auto parts = split_seed(seed, 3, 5, random).value();
        std::vector<PaperShare> out;
        for (auto& part : parts) {
            PaperShare share;
            share.threshold = 3;
            share.share = std::move(part);
            share.split = {split, 0};
            std::ranges::copy(key_id_of(ed25519_public_of(seed)).view().first(4), share.key.begin());
            out.push_back(std::move(share));
        }
        return out;
    };
    auto one = print(1);
    auto two = print(2);
    const auto take = [](std::vector<PaperShare>& from, std::initializer_list<std::size_t> which) {
        std::vector<PaperShare> out;
        for (const auto i : which) {
            PaperShare share = {
                from[i].threshold, {from[i].share.x, from[i].share.y.clone()}, from[i].split, from[i].key};
            out.push_back(std::move(share));
        }
        return out;
    };
    EXPECT_TRUE(recover_seed(take(one, {4, 0, 2})).value().equals(seed));
    EXPECT_EQ(recover_seed(take(one, {4, 0})).error(), Errc::bad_argument);
    EXPECT_EQ(recover_seed(take(one, {4, 0, 4})).error(), Errc::bad_argument);
    auto mixed = take(one, {0, 1});
    mixed.push_back(std::move(take(two, {2}).front()));
    EXPECT_EQ(recover_seed(mixed).error(), Errc::bad_argument);
    mixed.back().split = mixed.front().split;  // forged to look the same: the key that comes out is another one
    EXPECT_EQ(recover_seed(mixed).error(), Errc::malformed);
}

}  // namespace
}  // namespace melder::admin
