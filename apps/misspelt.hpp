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

namespace melder::apps {

/// How many letters must be changed, added, left out or exchanged with their neighbour (optimal string alignment).
[[nodiscard]] inline std::size_t letters_apart(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                                   cost[i - 1][j - 1] + static_cast<std::size_t>(a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

/// The one of `commands` ("device list") whose last word is nearest to what was typed; of several alike the first.
/// Empty if none is near: more than a third of its letters would have to change, and it does not begin alike.
[[nodiscard]] inline std::string nearest_command(std::string_view typed, const std::vector<std::string>& commands) {
    std::string best;
    std::size_t best_distance = std::string::npos;
    for (const auto& command : commands) {
        const auto word = std::string_view(command).substr(command.rfind(' ') + 1);
        const auto distance = letters_apart(typed, word);
        const auto most = std::max<std::size_t>(1, std::max(word.size(), typed.size()) / 3);
        const bool near = distance <= most || (typed.size() >= 3 && word.starts_with(typed));
        if (near && distance < best_distance) {
            best = command;
            best_distance = distance;
        }
    }
    return best;
}

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
