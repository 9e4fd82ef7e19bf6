#include "sdk/account/sent_runs.hpp"

#include <algorithm>

namespace melder::sdk {

void add_sent(std::vector<SentRun>& runs, std::uint64_t sequence, UnixTime expires) {
    if (!runs.empty() && runs.back().expires == expires) {
        runs.back().last = sequence;
        return;
    }
    runs.push_back({sequence, expires});
    if (runs.size() <= sent_runs_longest) return;
    runs[1].expires = std::max(runs[0].expires, runs[1].expires);
    runs.erase(runs.begin());
}

std::uint64_t lowest_unexpired(const std::vector<SentRun>& runs, std::uint64_t highest, UnixTime now) {
    std::uint64_t before = 0;
    for (const auto& run : runs) {
        if (run.expires > now) return before + 1;
        before = run.last;
    }
    return highest + 1;
}

}  // namespace melder::sdk
