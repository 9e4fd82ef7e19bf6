#pragma once
// The index behind SearchOfficers: officers by the beginning of any word of their name, of their service number, or of
// the id or name of their unit or one above it. Immutable, in memory only; any thread.
//
//     const DirectorySearch index(officers, units);
//     MELDER_TRY(const auto page, index.find("meier k52", std::nullopt, 20, [&](const OfficerId& id) { … }));
//
// What was typed is cut into words as names are (search_text.hpp); *each* of them must begin a word of the officer's.
// So "mei an" finds Anna Meier, and "meier k5" the Meiers of K5 and of every unit below it. Results come in the order
// of the folded display names, then of the ids: the same at every page.
//
// A search walks the entries of the typed words once and sets a bit an officer: 50,000 officers take 6 KiB and less
// than 100 µs a word even if all of them match. docs/BENCHMARKS.md has time and memory for 50,000.

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ids.hpp"
#include "keyserver/word_table.hpp"

namespace melder::keyserver {

/// The ids of a unit's path in one text, in an order in which the units below another one stand right behind it.
[[nodiscard]] std::string search_unit_of(const std::vector<std::string>& path);

struct NamedOfficer {
    std::string display_name, service_number;
    std::string unit;  ///< search_unit_of(path)
};
struct NamedUnit {
    std::string unit;  ///< search_unit_of(path)
    std::string name;
};
using NamedOfficers = std::unordered_map<OfficerId, NamedOfficer>;
using NamedUnits = std::unordered_map<Hash, NamedUnit>;  ///< by the key of the unit's row

class DirectorySearch {
public:
    DirectorySearch() = default;
    DirectorySearch(const NamedOfficers& officers, const NamedUnits& units);

    struct Page {
        std::vector<OfficerId> officers;
        bool more = false;  ///< there is at least one further officer that is wanted
    };
    /// At most `limit` officers that match and are `wanted`, behind `after`. `bad_argument`: nothing to search for, or
    /// more than limits::search_text_bytes or limits::search_words. `out_of_order`: nobody has the id `after` any more;
    /// search again from the first page.
    [[nodiscard]] Result<Page> find(std::string_view text, const std::optional<OfficerId>& after, std::size_t limit,
                                    const std::function<bool(const OfficerId&)>& wanted) const;

    [[nodiscard]] std::size_t officers() const noexcept { return officers_.size(); }
    [[nodiscard]] std::size_t bytes() const;

private:
    using Bits = std::vector<std::uint64_t>;  ///< one an officer, by rank

    void index_officers(const NamedOfficers& officers);
    void index_units(const NamedOfficers& officers, const NamedUnits& units);
    [[nodiscard]] Bits matching(std::string_view word) const;
    [[nodiscard]] std::optional<std::size_t> rank_of(const OfficerId& officer) const;

    std::vector<OfficerId> officers_;   ///< by rank: the order of results
    std::vector<std::uint32_t> by_id_;  ///< ranks, in the order of the ids
    WordTable officer_words_;           ///< → rank
    // Units in the order of search_unit_of, so that a unit and all below it are one run.
    WordTable unit_words_;                  ///< → unit
    std::vector<std::uint32_t> unit_end_;   ///< behind the last unit below this one
    std::vector<std::uint32_t> unit_from_;  ///< its first officer in `in_units_`; and one more, the end
    std::vector<std::uint32_t> in_units_;   ///< ranks
};

}  // namespace melder::keyserver
