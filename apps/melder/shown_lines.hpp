#pragma once
// What the screen of a conversation shows, so that it can be drawn anew: in memory only, the newest
// limits::shown_lines_kept, wiped when they go. A message goes when it expires. No terminal, no clock.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"

namespace melder::apps {

class ShownLines {
public:
    ShownLines() = default;
    ~ShownLines();
    ShownLines(const ShownLines&) = delete;
    ShownLines& operator=(const ShownLines&) = delete;

    void add(std::string line, std::optional<UnixTime> expires);
    /// True: something has expired, and what is left must be drawn anew.
    [[nodiscard]] bool expire(UnixTime now);
    [[nodiscard]] std::optional<UnixTime> next_expiry() const;
    /// The newest `count`, oldest first. Valid until the next change.
    [[nodiscard]] std::vector<std::string_view> newest(std::size_t count) const;

private:
    struct Line {
        std::string text;
        std::optional<UnixTime> expires;
    };
    static void wipe_line(Line& line);
    std::deque<Line> lines_;
};

}  // namespace melder::apps
