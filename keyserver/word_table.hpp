#pragma once
// Words, each with the numbers of what it stands in, for finding by prefix. Immutable; any thread.
//
// Memory: the distinct words' text, 8 bytes a distinct word, 4 bytes an entry.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace melder::keyserver {

class WordTable {
public:
    WordTable() = default;
    /// Entries in any order, also repeated. At most 2^32 of them and 4 GiB of text.
    explicit WordTable(std::vector<std::pair<std::string, std::uint32_t>> entries);

    /// The numbers of all words that begin with `prefix`; those of several words in the words' order, so that one
    /// number may come more than once.
    [[nodiscard]] std::span<const std::uint32_t> find(std::string_view prefix) const;
    [[nodiscard]] std::size_t bytes() const;

private:
    [[nodiscard]] std::string_view word(std::size_t index) const {
        return std::string_view(text_).substr(text_begin_[index], text_begin_[index + 1] - text_begin_[index]);
    }
    [[nodiscard]] std::size_t words() const { return text_begin_.size() - 1; }

    std::string text_;                           ///< the distinct words, sorted, one behind the other
    std::vector<std::uint32_t> text_begin_{0};   ///< and one more, the end
    std::vector<std::uint32_t> entry_begin_{0};  ///< the same of their numbers
    std::vector<std::uint32_t> entries_;
};

}  // namespace melder::keyserver
