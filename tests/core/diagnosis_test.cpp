#include "core/diagnosis.hpp"

#include <gtest/gtest.h>

namespace melder {
namespace {

const Diagnosis example{Diagnosis::Link::restricted, Errc::device_revoked, Errc::head_stale, 31, 15, 7};

TEST(Diagnosis, what_is_read_out_is_what_was_meant) {
    EXPECT_EQ(parse_diagnosis(code_of(example)).value(), example);
    EXPECT_EQ(parse_diagnosis(code_of({})).value(), Diagnosis{});
    const auto code = code_of(example);
    EXPECT_EQ(code.size(), 9U);
    EXPECT_EQ(code[4], '-');
}

TEST(Diagnosis, has_a_fixed_form) {
    // Golden, computed apart from this code; docs/OPERATIONS.md shows it.
    const Diagnosis shown{Diagnosis::Link::restricted, Errc::device_revoked, Errc::device_revoked, 2, 1, 0};
    EXPECT_EQ(code_of(shown), "RX3M-88GT");
}

TEST(Diagnosis, every_part_has_its_own_place) {
    for (const auto& one :
         {Diagnosis{Diagnosis::Link::online, {}, {}, 0, 0, 0},
          Diagnosis{Diagnosis::Link::offline, Errc::busy, {}, 0, 0, 0},
          Diagnosis{Diagnosis::Link::offline, {}, Errc::busy, 0, 0, 0},
          Diagnosis{Diagnosis::Link::offline, {}, {}, 9, 0, 0}, Diagnosis{Diagnosis::Link::offline, {}, {}, 0, 9, 0},
          Diagnosis{Diagnosis::Link::offline, {}, {}, 0, 0, 5}})
        EXPECT_EQ(parse_diagnosis(code_of(one)).value(), one);
}

TEST(Diagnosis, is_read_as_people_write_it) {
    auto code = code_of(example);
    std::string lower = " ";
    for (const char c : code)
        lower += c == '1' ? 'l' : c == '0' ? 'o' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_EQ(parse_diagnosis(lower).value(), example);
}

TEST(Diagnosis, a_character_that_was_misheard_is_noticed) {
    const auto code = code_of(example);
    int unnoticed = 0;
    for (std::size_t at = 0; at < code.size(); ++at) {
        if (code[at] == '-') continue;
        for (const char c : std::string_view("0123456789ABCDEFGHJKMNPQRSTVWXYZ")) {
            auto other = code;
            other[at] = c;
            if (other != code && parse_diagnosis(other).has_value()) ++unnoticed;
        }
    }
    EXPECT_LE(unnoticed, 2) << "ten bits of checksum over 248 changes";
    EXPECT_EQ(parse_diagnosis("").error(), Errc::code_malformed);
    EXPECT_EQ(parse_diagnosis(code + "0").error(), Errc::code_malformed);
    EXPECT_EQ(parse_diagnosis(code.substr(1)).error(), Errc::code_malformed);
    EXPECT_EQ(parse_diagnosis("2P0K_71XH").error(), Errc::code_malformed);
}

TEST(Diagnosis, counts_are_told_by_their_size) {
    EXPECT_EQ(log2_above(0, 15), 0);
    EXPECT_EQ(log2_above(1, 15), 1);
    EXPECT_EQ(log2_above(7, 15), 3);
    EXPECT_EQ(log2_above(8, 15), 4);
    EXPECT_EQ(log2_above(1'000'000, 15), 15);
}

}  // namespace
}  // namespace melder
