#pragma once
// What somebody meant who typed a command that does not exist.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

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

}  // namespace melder::apps
