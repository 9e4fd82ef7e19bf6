// The index behind SearchOfficers, alone.

#include "keyserver/directory_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/limits.hpp"
#include "core/random.hpp"
#include "keyserver/search_text.hpp"

namespace melder::keyserver {
namespace {

using Names = std::vector<std::string>;

class SearchInDirectory : public ::testing::Test {
protected:
    OfficerId enter(const std::string& name, const std::string& number, const std::vector<std::string>& unit) {
        const auto id = random_.id<OfficerId>();
        officers_[id] = {name, number, search_unit_of(unit)};
        return id;
    }
    void enter_unit(const std::vector<std::string>& path, const std::string& name) {
        units_[random_.id<Hash>()] = {search_unit_of(path), name};
    }
    void enter_force() {
        enter_unit({"LKA"}, "Landeskriminalamt");
        enter_unit({"LKA", "K5"}, "Abteilung 5");
        enter_unit({"LKA", "K5", "K52"}, "Kommissariat Geldwäsche");
        enter_unit({"LKA-2"}, "Außenstelle");
        enter("Anna Meier", "12-3456", {"LKA", "K5", "K52"});
        enter("Bela Müller-Lüdenscheid", "4711", {"LKA", "K5"});
        enter("Clara Meier", "4712", {"LKA"});
        enter("Deniz Weiß", "4713", {"LKA-2"});
        enter("Émile Zürn", "4714", {"PD-Nord", "R1"});  // a unit that is not entered
        enter("Ohne Einheit", "4715", {});
    }
    [[nodiscard]] Names found(const std::string& text) {
        const auto page = index().find(text, std::nullopt, 1000, everybody).value();
        Names names;
        for (const auto& id : page.officers)
            names.push_back(officers_.at(id).display_name);
        return names;
    }
    [[nodiscard]] const DirectorySearch& index() {
        if (!index_) index_.emplace(officers_, units_);
        return *index_;
    }

    inline static const std::function<bool(const OfficerId&)> everybody = [](const OfficerId&) { return true; };
    SeededRandom random_{7};
    NamedOfficers officers_;
    NamedUnits units_;
    std::optional<DirectorySearch> index_;
};

TEST_F(SearchInDirectory, any_word_of_a_name_finds_in_the_order_of_names) {
    enter_force();
    EXPECT_EQ(found("meier"), (Names{"Anna Meier", "Clara Meier"}));
    EXPECT_EQ(found("MEI"), (Names{"Anna Meier", "Clara Meier"}));
    EXPECT_EQ(found("mueller"), Names{"Bela Müller-Lüdenscheid"});
    EXPECT_EQ(found("Ludensch"), Names{"Bela Müller-Lüdenscheid"});
    EXPECT_EQ(found("WEISS"), Names{"Deniz Weiß"});
    EXPECT_EQ(found("emile"), Names{"Émile Zürn"});
    EXPECT_EQ(found("eier"), Names{}) << "the middle of a word is no beginning";
    EXPECT_EQ(found("meierr"), Names{});
}

TEST_F(SearchInDirectory, every_word_that_is_typed_must_begin_one_of_the_officers) {
    enter_force();
    EXPECT_EQ(found("meier an"), Names{"Anna Meier"});
    EXPECT_EQ(found("an meier"), Names{"Anna Meier"});
    EXPECT_EQ(found("meier be"), Names{});
    EXPECT_EQ(found("m mei"), (Names{"Anna Meier", "Clara Meier"}));
    EXPECT_EQ(found("meier 4712"), Names{"Clara Meier"});
    EXPECT_EQ(found("meier geld"), Names{"Anna Meier"});
}

TEST_F(SearchInDirectory, a_service_number_is_found_by_its_beginning_with_and_without_separators) {
    enter_force();
    EXPECT_EQ(found("4711"), Names{"Bela Müller-Lüdenscheid"});
    EXPECT_EQ(found("471").size(), 5u);
    EXPECT_EQ(found("12-34"), Names{"Anna Meier"});
    EXPECT_EQ(found("1234"), Names{"Anna Meier"});
    EXPECT_EQ(found("711"), Names{});
}

TEST_F(SearchInDirectory, a_unit_finds_whoever_is_in_it_or_below_it) {
    enter_force();
    EXPECT_EQ(found("K52"), Names{"Anna Meier"});
    EXPECT_EQ(found("k5"), (Names{"Anna Meier", "Bela Müller-Lüdenscheid"}));
    EXPECT_EQ(found("landes"), (Names{"Anna Meier", "Bela Müller-Lüdenscheid", "Clara Meier"}));
    EXPECT_EQ(found("lka-2"), Names{"Deniz Weiß"}) << "a unit of a name that begins alike is not below";
    EXPECT_EQ(found("geldwaesche"), Names{"Anna Meier"});
    EXPECT_EQ(found("r1"), Names{"Émile Zürn"});
    EXPECT_EQ(found("nord"), Names{"Émile Zürn"});
}

TEST_F(SearchInDirectory, a_unit_entered_below_one_that_is_not_is_found_all_the_same) {
    enter("Anna Meier", "1", {"A", "B", "C"});
    enter_unit({"A", "B"}, "Mitte");
    EXPECT_EQ(found("a b"), Names{"Anna Meier"});
    EXPECT_EQ(found("mitte"), Names{"Anna Meier"});
}

TEST_F(SearchInDirectory, pages_follow_each_other_without_gap_or_repetition) {
    for (int i = 0; i < 150; ++i)
        enter("Meier " + std::string(1, static_cast<char>('a' + i % 7)), std::to_string(i), {"LKA"});
    std::vector<OfficerId> all;
    std::optional<OfficerId> after;
    for (bool more = true; more;) {
        const auto page = index().find("meier", after, 20, everybody).value();
        ASSERT_LE(page.officers.size(), 20u);
        all.insert(all.end(), page.officers.begin(), page.officers.end());
        more = page.more;
        after = all.back();
    }
    EXPECT_EQ(all, index().find("meier", std::nullopt, 1000, everybody)->officers);
    EXPECT_EQ(all.size(), 150u);
    std::ranges::sort(all);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

TEST_F(SearchInDirectory, the_last_page_says_so_even_when_it_is_full) {
    for (int i = 0; i < 4; ++i)
        enter("Meier", std::to_string(i), {});
    EXPECT_TRUE(index().find("meier", std::nullopt, 3, everybody)->more);
    EXPECT_FALSE(index().find("meier", std::nullopt, 4, everybody)->more);
}

TEST_F(SearchInDirectory, who_is_not_wanted_takes_no_place_on_a_page) {
    const auto first = enter("Meier A", "1", {}), second = enter("Meier B", "2", {});
    const auto page = index().find("meier", std::nullopt, 1, [&](const OfficerId& id) { return id == second; }).value();
    EXPECT_EQ(page.officers, std::vector{second});
    EXPECT_FALSE(page.more);
    EXPECT_TRUE(
        index().find("meier", std::nullopt, 1, [&](const OfficerId& id) { return id == first; })->officers.size() == 1);
}

TEST_F(SearchInDirectory, what_cannot_be_searched_for_is_refused) {
    enter_force();
    for (const auto& text : {std::string(), std::string(" -- "), std::string(limits::search_text_bytes + 1, 'a'),
                             std::string("a b c d e f g h i")})
        EXPECT_EQ(index().find(text, std::nullopt, 20, everybody).error(), Errc::bad_argument) << text;
    EXPECT_TRUE(index().find("a b c d e f g h", std::nullopt, 20, everybody).has_value());
    EXPECT_EQ(index().find("meier", random_.id<OfficerId>(), 20, everybody).error(), Errc::out_of_order);
}

TEST_F(SearchInDirectory, an_empty_directory_finds_nobody) {
    EXPECT_TRUE(DirectorySearch().find("meier", std::nullopt, 20, everybody)->officers.empty());
    EXPECT_EQ(found("meier"), Names{});
}

/// Against the rule itself, said in the plainest way.
TEST_F(SearchInDirectory, it_finds_what_a_look_at_every_officer_finds) {
    const Names syllables{"an", "na", "mei", "er", "mül", "ler", "ö", "ß", "sch", "mi", "dt", "ue", "ae", "e"};
    const auto syllable = [&] { return syllables[random_.u64() % syllables.size()]; };
    const auto word = [&] { return syllable() + syllable() + (random_.u64() % 2 == 0 ? syllable() : ""); };
    for (int i = 0; i < 400; ++i) {
        std::vector<std::string> unit;
        for (auto depth = random_.u64() % 4; depth > 0; --depth)
            unit.push_back("K" + std::to_string(random_.u64() % 3));
        enter(word() + " " + word(), std::to_string(random_.u64() % 1000), unit);
    }
    const auto matches = [&](const NamedOfficer& officer, const std::string& text) {
        auto words = search_words(officer.display_name + " " + officer.service_number + " " + officer.unit);
        return std::ranges::all_of(search_words(text), [&](const auto& typed) {
            return std::ranges::any_of(words, [&](const auto& each) { return each.starts_with(typed); });
        });
    };
    for (int i = 0; i < 200; ++i) {
        auto text = random_.u64() % 3 == 0 ? "k" + std::to_string(random_.u64() % 3) : syllable();
        if (random_.u64() % 2 == 0) text += " " + syllable();
        Names expected;
        for (const auto& [id, officer] : officers_)
            if (matches(officer, text)) expected.push_back(officer.display_name);
        auto names = found(text);
        std::ranges::sort(names);
        std::ranges::sort(expected);
        EXPECT_EQ(names, expected) << text;
    }
}

}  // namespace
}  // namespace melder::keyserver
