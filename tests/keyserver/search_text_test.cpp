// How a search compares names.

#include <gtest/gtest.h>

#include "keyserver/search_text.hpp"

namespace melder::keyserver {
namespace {

using Words = std::vector<std::string>;

TEST(SearchText, however_an_umlaut_is_written_it_is_the_same_word) {
    for (const auto* name : {"Müller", "Mueller", "Muller", "MÜLLER", "mu\xcc\x88ller", "MUELLER"})
        EXPECT_EQ(search_words(name), Words{"muller"}) << name;
    for (const auto* name : {"Jäger", "Jaeger", "Jæger", "JÄGER"})
        EXPECT_EQ(search_words(name), Words{"jager"}) << name;
    for (const auto* name : {"Schröder", "Schroeder", "Schrøder", "Schrœder", "SCHRÖDER"})
        EXPECT_EQ(search_words(name), Words{"schroder"}) << name;
}

TEST(SearchText, an_e_behind_an_umlaut_is_a_letter_of_its_own_however_that_is_written) {
    EXPECT_EQ(search_words("Böe"), Words{"boe"});
    EXPECT_EQ(search_words("Boee"), Words{"boe"});
    EXPECT_EQ(search_words("Bo\xcc\x88"
                           "e"),
              Words{"boe"});
}

TEST(SearchText, sharp_s_is_ss_and_accents_and_case_fall_away) {
    EXPECT_EQ(search_words("Weiß"), search_words("WEISS"));
    EXPECT_EQ(search_words("Weiẞ"), search_words("weiss"));
    EXPECT_EQ(search_words("Renée"), Words{"renee"});
    EXPECT_EQ(search_words("Rene\xcc\x81"
                           "e"),
              Words{"renee"});
    EXPECT_EQ(search_words("Łukasz Çelik İnan Nguyễn Þór"), (Words{"lukasz", "celik", "inan", "nguyen", "thor"}));
    EXPECT_EQ(search_words("Noël"), search_words("Noel"));
}

TEST(SearchText, other_scripts_are_searched_without_case) {
    EXPECT_EQ(search_words("ИВАНОВ"), search_words("иванов"));
    EXPECT_EQ(search_words("ΑΒΓ"), search_words("αβγ"));
    EXPECT_EQ(search_words("王 小明"), (Words{"王", "小明"}));
    EXPECT_EQ(search_words("𝒜b"), Words{"𝒜b"});
}

TEST(SearchText, whatever_is_neither_letter_nor_digit_separates_words) {
    EXPECT_EQ(search_words(" Müller-Lüdenscheid, O’Brien (K5)\xc2\xa0 d'Or "),
              (Words{"muller", "ludenscheid", "o", "brien", "k5", "d", "or"}));
    EXPECT_EQ(search_words("a\xff"
                           "b\xc3"),
              (Words{"a", "b"}));
    EXPECT_TRUE(search_words("-–  ...").empty());
    EXPECT_TRUE(search_words("").empty());
}

/// What is typed grows letter by letter, and each state of it must find the name.
TEST(SearchText, the_words_of_a_beginning_are_a_beginning_of_the_words) {
    for (const std::string name :
         {"Müller", "Mueller-Böe", "Boee", "Feuer", "Queen", "Weißäe", "Þór O’Brien", "Aeaeäé", "mu\xcc\x88ller"}) {
        const auto whole = search_words(name);
        for (std::size_t size = 0; size <= name.size(); ++size) {
            if (size < name.size() && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80) continue;
            const auto words = search_words(name.substr(0, size));
            ASSERT_LE(words.size(), whole.size());
            for (std::size_t i = 0; i < words.size(); ++i)
                EXPECT_TRUE(whole[i].starts_with(words[i])) << name << " up to " << size;
        }
    }
}

TEST(SearchText, a_code_is_found_with_and_without_its_separators) {
    EXPECT_EQ(search_words_of_code("12-3456"), (Words{"12", "3456", "123456"}));
    EXPECT_EQ(search_words_of_code("4711"), Words{"4711"});
    EXPECT_TRUE(search_words_of_code("").empty());
}

}  // namespace
}  // namespace melder::keyserver
