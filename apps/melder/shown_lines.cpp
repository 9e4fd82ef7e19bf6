#include "apps/melder/shown_lines.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "core/secret.hpp"

namespace melder::apps {

ShownLines::~ShownLines() {
    std::ranges::for_each(lines_, wipe_line);
}

void ShownLines::wipe_line(Line& line) {
    wipe(line.text.data(), line.text.size());
}

void ShownLines::add(std::string line, std::optional<UnixTime> expires) {
    lines_.push_back({std::move(line), expires});
    if (lines_.size() <= limits::shown_lines_kept) return;
    wipe_line(lines_.front());
    lines_.pop_front();
}

bool ShownLines::expire(UnixTime now) {
    const auto over = [&](const Line& line) { return line.expires && *line.expires <= now; };
    for (auto& line : lines_)
        if (over(line)) wipe_line(line);
    return std::erase_if(lines_, over) > 0;
}

std::optional<UnixTime> ShownLines::next_expiry() const {
    std::optional<UnixTime> next;
    for (const auto& line : lines_)
        if (line.expires) next = next ? std::min(*next, *line.expires) : line.expires;
    return next;
}

std::vector<std::string_view> ShownLines::newest(std::size_t count) const {
    std::vector<std::string_view> out;
    for (auto at = lines_.size() - std::min(count, lines_.size()); at < lines_.size(); ++at)
        out.emplace_back(lines_[at].text);
    return out;
}

}  // namespace melder::apps
