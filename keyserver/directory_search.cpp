#include "keyserver/directory_search.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <ranges>
#include <span>
#include <tuple>

#include "core/limits.hpp"
#include "keyserver/search_text.hpp"

namespace melder::keyserver {
namespace {

constexpr char unit_separator = '\n';  // below every character of an id, so that what is below a unit follows it
constexpr std::size_t bits_per_block = 64;

using Entries = std::vector<std::pair<std::string, std::uint32_t>>;

void add(Entries& entries, std::vector<std::string> words, std::size_t number) {
    for (auto& word : words)
        entries.emplace_back(std::move(word), static_cast<std::uint32_t>(number));
}

/// The words to look for: one that begins another asks for nothing more.
std::vector<std::string> words_to_find(std::string_view text) {
    auto words = search_words(text);
    std::ranges::sort(words);
    std::vector<std::string> out;
    for (auto& word : words) {
        if (!out.empty() && word.starts_with(out.back())) out.pop_back();
        out.push_back(std::move(word));
    }
    return out;
}

}  // namespace

std::string search_unit_of(const std::vector<std::string>& path) {
    std::string unit;
    for (const auto& id : path) {
        if (!unit.empty()) unit += unit_separator;
        unit += id;
    }
    return unit;
}

DirectorySearch::DirectorySearch(const NamedOfficers& officers, const NamedUnits& units) {
    index_officers(officers);
    index_units(officers, units);
}

void DirectorySearch::index_officers(const NamedOfficers& officers) {
    struct Named {
        std::string order;
        std::vector<std::string> words;
        const NamedOfficers::value_type* officer;
    };
    std::vector<Named> named;
    named.reserve(officers.size());
    for (const auto& entry : officers) {
        auto words = search_words(entry.second.display_name);
        std::string order;
        for (const auto& word : words)
            order += word + ' ';
        named.push_back({std::move(order), std::move(words), &entry});
    }
    std::ranges::sort(named, [](const Named& a, const Named& b) {
        return std::tie(a.order, a.officer->first) < std::tie(b.order, b.officer->first);
    });

    Entries entries;
    officers_.reserve(named.size());
    for (auto& each : named) {
        add(entries, std::move(each.words), officers_.size());
        add(entries, search_words_of_code(each.officer->second.service_number), officers_.size());
        officers_.push_back(each.officer->first);
    }
    officer_words_ = WordTable(std::move(entries));

    by_id_.resize(officers_.size());
    std::ranges::copy(std::views::iota(std::uint32_t{0}, static_cast<std::uint32_t>(by_id_.size())), by_id_.begin());
    std::ranges::sort(by_id_, {}, [this](std::uint32_t rank) { return officers_[rank]; });
}

void DirectorySearch::index_units(const NamedOfficers& officers, const NamedUnits& units) {
    std::map<std::string_view, std::string_view> names;  // every unit that is entered, or that somebody is in or below
    for (const auto& [key, unit] : units)
        names[unit.unit] = unit.name;
    for (const auto& [id, officer] : officers) {
        for (std::string_view unit = officer.unit; !unit.empty();) {
            if (!names.try_emplace(unit).second) break;  // and then those above it are there, or will be
            const auto end = unit.rfind(unit_separator);
            unit = end == std::string_view::npos ? std::string_view() : unit.substr(0, end);
        }
    }
    for (const auto& [key, entered] : units) {
        for (auto end = entered.unit.find(unit_separator); end != std::string::npos;
             end = entered.unit.find(unit_separator, end + 1))
            names.try_emplace(std::string_view(entered.unit).substr(0, end));
    }

    Entries entries;
    std::vector<std::string_view> paths;
    for (const auto& [path, name] : names) {
        const auto id = path.substr(path.rfind(unit_separator) + 1);  // npos + 1 is 0
        add(entries, search_words_of_code(id), paths.size());
        add(entries, search_words(name), paths.size());
        paths.push_back(path);
    }
    unit_words_ = WordTable(std::move(entries));

    std::vector<std::pair<std::uint32_t, std::uint32_t>> members;  // unit, rank
    for (std::uint32_t rank = 0; rank < officers_.size(); ++rank) {
        const auto& unit = officers.at(officers_[rank]).unit;
        if (unit.empty()) continue;
        const auto at = std::ranges::lower_bound(paths, std::string_view(unit)) - paths.begin();
        members.emplace_back(static_cast<std::uint32_t>(at), rank);
    }
    std::ranges::sort(members);
    in_units_.reserve(members.size());
    unit_from_.reserve(paths.size() + 1);
    for (const auto& [unit, rank] : members) {
        while (unit_from_.size() <= unit)
            unit_from_.push_back(static_cast<std::uint32_t>(in_units_.size()));
        in_units_.push_back(rank);
    }
    unit_from_.resize(paths.size() + 1, static_cast<std::uint32_t>(in_units_.size()));

    unit_end_.reserve(paths.size());
    for (std::size_t unit = 0; unit < paths.size(); ++unit) {
        const auto below = std::string(paths[unit]) + static_cast<char>(unit_separator + 1);
        const auto end = std::ranges::lower_bound(paths, std::string_view(below)) - paths.begin();
        unit_end_.push_back(static_cast<std::uint32_t>(end));
    }
}

DirectorySearch::Bits DirectorySearch::matching(std::string_view word) const {
    Bits bits((officers_.size() + bits_per_block - 1) / bits_per_block);
    const auto set = [&](std::span<const std::uint32_t> ranks) {
        for (const auto rank : ranks)
            bits[rank / bits_per_block] |= std::uint64_t{1} << rank % bits_per_block;
    };
    set(officer_words_.find(word));
    const auto found = unit_words_.find(word);
    std::vector<std::uint32_t> units(found.begin(), found.end());
    std::ranges::sort(units);
    std::uint32_t covered = 0;  // a unit below one that matched as well adds nothing
    for (const auto unit : units) {
        if (unit < covered) continue;
        covered = unit_end_[unit];
        set(std::span(in_units_).subspan(unit_from_[unit], unit_from_[covered] - unit_from_[unit]));
    }
    return bits;
}

std::optional<std::size_t> DirectorySearch::rank_of(const OfficerId& officer) const {
    const auto found =
        std::ranges::lower_bound(by_id_, officer, {}, [this](std::uint32_t rank) { return officers_[rank]; });
    if (found == by_id_.end() || officers_[*found] != officer) return std::nullopt;
    return *found;
}

Result<DirectorySearch::Page> DirectorySearch::find(std::string_view text, const std::optional<OfficerId>& after,
                                                    std::size_t limit,
                                                    const std::function<bool(const OfficerId&)>& wanted) const {
    if (text.size() > limits::search_text_bytes) return Errc::bad_argument;
    const auto words = words_to_find(text);
    if (words.empty() || words.size() > limits::search_words) return Errc::bad_argument;
    std::size_t from = 0;
    if (after) {
        const auto rank = rank_of(*after);
        if (!rank) return Errc::out_of_order;
        from = *rank + 1;
    }

    auto bits = matching(words.front());
    for (const auto& word : words | std::views::drop(1)) {
        const auto others = matching(word);
        std::ranges::transform(bits, others, bits.begin(), std::bit_and());
    }
    Page page;
    for (auto block = from / bits_per_block; block < bits.size(); ++block) {
        auto rest = bits[block];
        if (block == from / bits_per_block) rest &= ~std::uint64_t{0} << from % bits_per_block;
        for (; rest != 0; rest &= rest - 1) {
            const auto& officer = officers_[block * bits_per_block + static_cast<std::size_t>(std::countr_zero(rest))];
            if (!wanted(officer)) continue;
            if (page.officers.size() == limit) {
                page.more = true;
                return page;
            }
            page.officers.push_back(officer);
        }
    }
    return page;
}

std::size_t DirectorySearch::bytes() const {
    return officers_.capacity() * sizeof(OfficerId) + officer_words_.bytes() + unit_words_.bytes() +
           sizeof(std::uint32_t) *
               (by_id_.capacity() + unit_end_.capacity() + unit_from_.capacity() + in_units_.capacity());
}

}  // namespace melder::keyserver
