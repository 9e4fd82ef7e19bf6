// CSV as spreadsheets write it, and as nobody should.

#include "apps/melder-admin/csv.hpp"

#include <gtest/gtest.h>

namespace melder::admin {
namespace {

std::string shape_of(std::string_view text) {
    const auto rows = parse_csv(text);
    if (rows.has_error()) return rows.error().detail();
    std::string out;
    for (const auto& row : *rows) {
        out += std::to_string(row.line);
        for (const auto& field : row.fields)
            out += "|" + field.text;
        out += "\n";
    }
    return out;
}

TEST(Csv, takes_either_separator_with_and_without_byte_order_mark) {
    EXPECT_EQ(shape_of("a,b\nc,d\n"), "1|a|b\n2|c|d\n");
    EXPECT_EQ(shape_of("a;b\r\nc;d"), "1|a|b\n2|c|d\n");
    EXPECT_EQ(shape_of("\xEF\xBB\xBF\"a;x\",b;c\n"), "1|a;x|b;c\n");
    EXPECT_EQ(shape_of("\xEF\xBB\xBF\"a,x\";b,c\n"), "1|a,x|b,c\n");
}

TEST(Csv, leaves_out_comments_and_blank_lines_but_counts_them) {
    EXPECT_EQ(shape_of("# note\n\na;b\n;;;\nc;d\n"), "3|a|b\n5|c|d\n");
    EXPECT_EQ(shape_of(""), "");
    EXPECT_EQ(shape_of("\xEF\xBB\xBF"), "");
}

TEST(Csv, keeps_doubled_quotes_and_umlauts) {
    EXPECT_EQ(shape_of("\"Cyber \"\"K5\"\"\",Jürgen Groß\n"), "1|Cyber \"K5\"|Jürgen Groß\n");
    EXPECT_EQ(shape_of("\"\",\n"), "") << "two empty fields are a blank line";
}

TEST(Csv, names_line_and_column_of_a_broken_quote) {
    EXPECT_EQ(shape_of("a,b\nü,\"x\n"), "line 2, column 3: this quote is not closed on its line");
    EXPECT_EQ(shape_of("a,b\"c\n"), "line 1, column 4: a quote in a field needs quotes around the whole field");
    EXPECT_EQ(shape_of("\"a\"b,c\n"), "line 1, column 4: after a closing quote the field must end");
    EXPECT_EQ(shape_of("\""), "line 1, column 1: this quote is not closed on its line");
}

TEST(Csv, refuses_other_encodings_with_the_way_out) {
    const auto windows = shape_of("a,b\nx,J\xFCrgen\n");
    EXPECT_EQ(windows.substr(0, 42), "line 2, column 4: this is not UTF-8 (perha");
    EXPECT_NE(windows.find("CSV UTF-8"), std::string::npos);
    EXPECT_NE(windows.find("LibreOffice"), std::string::npos);
    EXPECT_EQ(shape_of(std::string_view("\xFF\xFE"
                                        "a\0",
                                        4))
                  .substr(0, 32),
              "line 1, column 1: this is not UT");
    EXPECT_EQ(shape_of("a,\xC0\xAF\n").substr(0, 17), "line 1, column 3:") << "overlong forms are no UTF-8";
}

TEST(Csv, survives_every_truncation_and_every_byte) {
    const std::string good = "\xEF\xBB\xBFunit;\"A \"\"b\"\"\";ü\r\n# x\nofficer;1;2;3;4\n";
    for (std::size_t i = 0; i < good.size(); ++i) {
        (void)parse_csv(good.substr(0, i));
        for (int byte = 0; byte < 256; ++byte) {
            auto bad = good;
            bad[i] = static_cast<char>(byte);
            (void)parse_csv(bad);
        }
    }
    EXPECT_EQ(parse_csv(std::string(1'000'000, ';') + "\n")->size(), 0u);
    EXPECT_EQ(parse_csv(std::string(100'000, 'x'))->at(0).fields.size(), 1u);
}

TEST(Csv, writes_what_it_reads_and_disarms_formulas) {
    const std::string name = "Groß; \"K\", Jr";
    EXPECT_EQ(parse_csv("x," + csv_field(name) + "\n")->at(0).fields.at(1).text, name);
    EXPECT_EQ(csv_field("=cmd()"), "'=cmd()");
    EXPECT_EQ(csv_field("Anna"), "Anna");
}

}  // namespace
}  // namespace melder::admin
