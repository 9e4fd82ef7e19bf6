#include "apps/melder/input_lines.hpp"

#include <array>
#include <cerrno>

#include <unistd.h>

#include "core/secret.hpp"

namespace melder::apps {

InputLines::~InputLines() {
    wipe(rest_.data(), rest_.size());
}

InputLines::More InputLines::read(const std::function<void(std::string_view)>& on_line,
                                  const std::function<void()>& too_long) {
    std::array<char, 16 * 1024> block{};
    const auto size = ::read(STDIN_FILENO, block.data(), block.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return More::yes;
    std::string_view fresh(block.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    rest_.reserve(longest_ + 1);  // never moves, so no copy is left behind
    while (!fresh.empty()) {
        const auto feed = fresh.find('\n');
        const auto piece = fresh.substr(0, feed);
        if (!skipping_ && rest_.size() + piece.size() > longest_) {
            skipping_ = true;
            too_long();
        }
        if (!skipping_) rest_.append(piece);
        fresh.remove_prefix(feed == std::string_view::npos ? fresh.size() : feed + 1);
        if (feed == std::string_view::npos) break;
        if (!skipping_) on_line(rest_);
        skipping_ = false;
        wipe(rest_.data(), rest_.size());
        rest_.clear();
    }
    wipe(block.data(), block.size());
    if (size > 0) return More::yes;
    if (!rest_.empty() && !skipping_) on_line(rest_);
    return More::end;
}

}  // namespace melder::apps
