#include "keyserver/directory_names.hpp"

#include "core/limits.hpp"

#include "keyserver/store_calls.hpp"
#include "proto/link.pb.h"

namespace melder::keyserver {
namespace {

constexpr std::size_t rows_per_load = 500;

template <class Repeated>
std::string unit_of(const Repeated& path) {
    return search_unit_of({path.begin(), path.end()});
}

Error unreadable(const char* what) {
    return {Errc::store_corrupt, std::string("a stored ") + what + " cannot be read"};
}

}  // namespace

Result<DirectoryNames::Change> DirectoryNames::open(const std::vector<server::OfficerRow>& officers,
                                                    const std::vector<server::UnitRow>& units) const {
    Change change;
    change.officers.reserve(officers.size());
    for (const auto& row : officers) {
        auto& [id, name] = change.officers.emplace_back(row.officer, std::nullopt);
        if (row.sealed.empty()) continue;
        MELDER_TRY(const auto opened, key_.open("officer", row.officer.view(), row.sealed));
        wire::Officer officer;
        if (!officer.ParseFromArray(opened.expose().data(), static_cast<int>(opened.size())))
            return unreadable("officer");
        name = NamedOfficer{officer.display_name(), officer.service_number(), unit_of(officer.unit())};
    }
    for (const auto& row : units) {
        auto& [key, name] = change.units.emplace_back(row.key, std::nullopt);
        if (row.sealed.empty()) continue;
        MELDER_TRY(const auto opened, key_.open("unit", row.key.view(), row.sealed));
        wire::Unit unit;
        if (!unit.ParseFromArray(opened.expose().data(), static_cast<int>(opened.size()))) return unreadable("unit");
        name = NamedUnit{unit_of(unit.path()), unit.name()};
    }
    return change;
}

void DirectoryNames::apply(Change change) {
    const auto enter = [](auto& map, auto& changes) {
        for (auto& [key, name] : changes) {
            if (name) {
                map.insert_or_assign(key, std::move(*name));
            } else {
                map.erase(key);
            }
        }
    };
    const std::scoped_lock lock(mutex_);
    enter(officers_, change.officers);
    enter(units_, change.units);
    search_.reset();
}

Result<void> DirectoryNames::load(server::DirectoryStore& store) {
    DirectoryNames loaded(key_);
    std::optional<OfficerId> after;
    for (std::size_t size = rows_per_load; size == rows_per_load;) {
        MELDER_TRY(const auto rows, wait_for<std::vector<server::OfficerRow>>([&](auto executor, auto done) {
                       store.list_officers(after, rows_per_load, executor, done);
                   }));
        MELDER_TRY(auto change, loaded.open(rows, {}));
        loaded.apply(std::move(change));
        size = rows.size();
        if (size > 0) after = rows.back().officer;
    }
    MELDER_TRY(const auto units, wait_for<std::vector<server::UnitRow>>([&](auto executor, auto done) {
                   store.list_units(limits::units_listed, executor, done);
               }));
    MELDER_TRY(auto change, loaded.open({}, units));
    loaded.apply(std::move(change));

    const std::scoped_lock lock(mutex_);
    officers_.swap(loaded.officers_);
    units_.swap(loaded.units_);
    search_.reset();
    return ok();
}

std::shared_ptr<const DirectorySearch> DirectoryNames::search() const {
    const std::scoped_lock lock(mutex_);
    if (!search_) search_ = std::make_shared<const DirectorySearch>(officers_, units_);
    return search_;
}

}  // namespace melder::keyserver
