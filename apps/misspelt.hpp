#pragma once
// A command that does not exist is named, and the nearest real one suggested: what CLI11 by itself calls "a subcommand
// is required". For every program's main; include it where CLI11 is included anyway.
//
//     try {
//         app.parse(argc, argv);
//     } catch (const CLI::ParseError& error) {
//         if (const auto sentence = misspelt_command(app, "melder", argc, argv); !sentence.empty()) …   // exit code 2

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/nearest_command.hpp"

namespace melder::apps {

/// After a failed parse: the sentence about a command that does not exist, without a line's end; empty if something
/// else was wrong.
[[nodiscard]] inline std::string misspelt_command(const CLI::App& app, const std::string& program, int argc,
                                                  const char* const* argv) {
    const auto rest = app.remaining(true);
    const auto word = std::ranges::find_if(rest, [](const auto& each) { return !each.starts_with('-'); });
    if (word == rest.end()) return {};
    const auto stands_before = [&](std::string_view a, std::string_view b) {
        return std::find(argv, argv + argc, a) < std::find(argv, argv + argc, b);
    };
    const auto* group = &app;
    std::string typed;  // what was understood before that word
    for (auto chosen = group->get_subcommands(); !chosen.empty(); chosen = group->get_subcommands()) {
        if (stands_before(*word, chosen.front()->get_name())) break;
        group = chosen.front();
        typed += group->get_name() + " ";
    }
    if (group->get_subcommands({}).empty()) return {};

    // Those beside it first, then those of other groups: `melder-admin issue` meant `code issue`.
    std::vector<std::string> commands;
    std::vector<std::pair<const CLI::App*, std::string>> groups{{group, typed}};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const auto [from, path] = groups[i];
        for (const auto* each : from->get_subcommands([](const CLI::App*) { return true; })) {
            commands.push_back(path + each->get_name());
            groups.emplace_back(each, path + each->get_name() + " ");
        }
    }
    const auto nearest = nearest_command(*word, commands);
    auto sentence = program + ": there is no command \"" + typed + *word + "\"; ";
    if (!nearest.empty()) sentence += "did you mean \"" + nearest + "\"? ";
    auto help = program + " " + typed + "--help";
    return sentence + "`" + help + "` lists them";
}

}  // namespace melder::apps
