#include "keyserver/word_table.hpp"

#include <algorithm>
#include <ranges>

namespace melder::keyserver {

WordTable::WordTable(std::vector<std::pair<std::string, std::uint32_t>> entries) {
    std::ranges::sort(entries);
    entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
    entries_.reserve(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& [text, number] = entries[i];
        if (i > 0 && entries[i - 1].first != text) {
            text_begin_.push_back(static_cast<std::uint32_t>(text_.size()));
            entry_begin_.push_back(static_cast<std::uint32_t>(entries_.size()));
        }
        if (i == 0 || entries[i - 1].first != text) text_ += text;
        entries_.push_back(number);
    }
    if (!entries.empty()) {
        text_begin_.push_back(static_cast<std::uint32_t>(text_.size()));
        entry_begin_.push_back(static_cast<std::uint32_t>(entries_.size()));
    }
    text_.shrink_to_fit();
    text_begin_.shrink_to_fit();
    entry_begin_.shrink_to_fit();
}

std::span<const std::uint32_t> WordTable::find(std::string_view prefix) const {
    const auto indices = std::views::iota(std::size_t{0}, words());
    const auto begin = std::ranges::partition_point(indices, [&](std::size_t i) { return word(i) < prefix; });
    const auto end = std::ranges::partition_point(
        begin, indices.end(), [&](std::size_t i) { return word(i).substr(0, prefix.size()) == prefix; });
    const auto from = entry_begin_[static_cast<std::size_t>(begin - indices.begin())];
    const auto to = entry_begin_[static_cast<std::size_t>(end - indices.begin())];
    return std::span(entries_).subspan(from, to - from);
}

std::size_t WordTable::bytes() const {
    return text_.capacity() +
           sizeof(std::uint32_t) * (text_begin_.capacity() + entry_begin_.capacity() + entries_.capacity());
}

}  // namespace melder::keyserver
