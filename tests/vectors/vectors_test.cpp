#include "tests/vectors/vectors.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace melder::vectors {
namespace {

std::string committed() {
    std::ifstream file(MELDER_SOURCE_DIR "/proto/test-vectors.txt", std::ios::binary);
    EXPECT_TRUE(file) << "proto/test-vectors.txt is missing";
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

std::string text_of(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines)
        text += line + "\n";
    return text;
}

bool is_value(const std::string& line) {
    return !line.starts_with('#') && line.find(" = ") != std::string::npos;
}

TEST(Vectors, the_committed_file_agrees_with_the_code) {
    EXPECT_EQ(verify(committed()), "");
}

TEST(Vectors, what_is_generated_now_is_what_is_committed_but_for_ecdsa) {
    auto now = lines_of(generate());
    auto then = lines_of(committed());
    ASSERT_EQ(now.size(), then.size());
    bool ecdsa = false;
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i].starts_with('[')) ecdsa = now[i] == "[ECDSA P-256 signature]";
        if (ecdsa && now[i].starts_with("signature = ")) continue;
        EXPECT_EQ(now[i], then[i]);
    }
}

// Lines of the group with scrypt would cost half a second each; they are covered by the test below.
TEST(Vectors, a_changed_character_in_any_value_is_noticed) {
    auto lines = lines_of(committed());
    for (auto& line : lines) {
        if (line == "[enrolment code with a second part]") break;
        if (!is_value(line)) continue;
        const auto original = line;
        const auto quoted = line.back() == '"';
        auto& last = line[line.size() - (quoted ? 2 : 1)];
        last = last == '1' ? '2' : '1';
        EXPECT_NE(verify(text_of(lines)), "") << original;
        line = original;
    }
}

TEST(Vectors, a_missing_an_additional_and_a_renamed_line_are_noticed) {
    const auto lines = lines_of(committed());
    auto missing = lines;
    missing.pop_back();
    EXPECT_NE(verify(text_of(missing)), "");
    auto additional = lines;
    additional.push_back("more = 00");
    EXPECT_NE(verify(text_of(additional)), "");
    auto renamed = lines;
    for (auto& line : renamed)
        if (line.starts_with("mask = ")) line.replace(0, 4, "musk");
    EXPECT_NE(verify(text_of(renamed)), "");
    EXPECT_NE(verify(""), "");
}

TEST(Vectors, a_changed_scrypt_value_is_noticed) {
    auto text = committed();
    const auto at = text.rfind("\np = ");
    ASSERT_NE(at, std::string::npos);
    text[at + 5] = text[at + 5] == '0' ? '1' : '0';
    EXPECT_NE(verify(text), "");
}

}  // namespace
}  // namespace melder::vectors
