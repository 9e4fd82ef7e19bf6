// What deploy/ gives an operator, against docs/METRICS.md: the dashboard and the alerts ask only for what the server
// exports, the dashboard shows all of it, and the alerts are those that the document names.

#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include "tests/apps/scrape.hpp"

namespace melder::testing {
namespace {

namespace json = boost::json;

const std::filesystem::path source_directory = MELDER_SOURCE_DIR;

json::object dashboard() {
    return json::parse(read_file(source_directory / "deploy/grafana/melder.json")).as_object();
}

TEST(MelderDashboard, asks_only_for_metrics_that_are_documented_and_shows_each_of_them) {
    const auto board = dashboard();
    std::set<std::string> shown;
    std::size_t queries = 0;
    const auto check = [&](const std::string& query) {
        ++queries;
        const auto names = metrics_in(query);
        EXPECT_FALSE(names.empty()) << query;
        shown.insert(names.begin(), names.end());
    };
    for (const auto& panel : board.at("panels").as_array()) {
        if (panel.at("type") == "row") continue;
        for (const auto& target : panel.at("targets").as_array())
            check(std::string(target.at("expr").as_string()));
    }
    for (const auto& variable : board.at("templating").at("list").as_array()) {
        if (variable.at("type") == "query") check(std::string(variable.at("query").at("query").as_string()));
    }
    EXPECT_GT(queries, 50U);
    for (const auto& [name, row] : documented_metrics())
        EXPECT_TRUE(shown.contains(name)) << name << " is documented and on no panel";
}

TEST(MelderDashboard, every_panel_has_an_id_and_a_place_of_its_own_and_a_title) {
    std::set<std::int64_t> ids;
    std::set<std::pair<std::int64_t, std::int64_t>> taken;
    const auto board = dashboard();
    for (const auto& panel : board.at("panels").as_array()) {
        const auto title = std::string(panel.at("title").as_string());
        EXPECT_FALSE(title.empty());
        EXPECT_TRUE(ids.insert(panel.at("id").as_int64()).second) << title;
        const auto number = [&](const char* name) { return panel.at("gridPos").at(name).as_int64(); };
        EXPECT_GE(number("x"), 0) << title;
        EXPECT_LE(number("x") + number("w"), 24) << title;
        for (auto x = number("x"); x < number("x") + number("w"); ++x) {
            for (auto y = number("y"); y < number("y") + number("h"); ++y)
                EXPECT_TRUE(taken.emplace(x, y).second) << title << " lies over another panel";
        }
        if (panel.at("type") == "row") continue;
        std::set<std::string> refs;
        for (const auto& target : panel.at("targets").as_array())
            EXPECT_TRUE(refs.insert(std::string(target.at("refId").as_string())).second) << title;
    }
}

/// The left column of "What to wake somebody for".
std::set<std::string> documented_conditions() {
    const auto text = read_file(source_directory / "docs/METRICS.md");
    const auto begin = text.find("## What to wake somebody for");
    std::istringstream in(text.substr(begin, text.find("\n## ", begin + 1) - begin));
    const std::regex row(R"re(\| `([^`]+)`.*)re");
    std::set<std::string> out;
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (!std::regex_match(line, match, row)) continue;
        out.insert(std::regex_replace(match[1].str(), std::regex(R"(\\\|)"), "|"));
    }
    return out;
}

TEST(MelderAlerts, are_those_that_the_document_names) {
    const auto rules = read_file(source_directory / "deploy/prometheus/melder.rules.yml");
    std::istringstream in(rules);
    const std::regex expression(R"re( +expr: (.+))re");
    std::set<std::string> alerts;
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (!std::regex_match(line, match, expression)) continue;
        alerts.insert(match[1]);
        if (!match[1].str().starts_with("up{")) EXPECT_FALSE(metrics_in(match[1]).empty()) << line;
    }
    EXPECT_GT(alerts.size(), 7U);
    EXPECT_EQ(alerts, documented_conditions());
}

}  // namespace
}  // namespace melder::testing
