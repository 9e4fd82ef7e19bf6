#include "apps/melder-admin/import_logic.hpp"

#include <map>
#include <set>
#include <string_view>

#include "core/limits.hpp"

namespace melder::admin {
namespace {

/// The unit and every unit above it.
template <class Visit>
void for_each_above(UnitPath unit, Visit visit) {
    for (; !unit.empty(); unit = unit.parent())
        visit(unit);
}

void plan_officers(const KnownForce& known, const Force& wanted, UnixTime now, ImportPlan& plan) {
    std::map<std::string_view, const ForceOfficer*> by_number;
    for (const auto& officer : wanted.officers)
        by_number.emplace(officer.service_number, &officer);
    for (const auto& old : known.officers) {
        const auto found = by_number.find(old.officer.service_number);
        if (found != by_number.end()) {
            if (*found->second != old.officer || old.absent_since) plan.changed.push_back({old.id, *found->second, {}});
            by_number.erase(found);
        } else if (!old.absent_since) {
            plan.suspended.push_back({old.id, old.officer, now});
        } else if (now - *old.absent_since >= Millis(limits::absence_before_removal)) {
            plan.removed.push_back(old);
        } else {
            ++plan.waiting;
        }
    }
    for (const auto& officer : wanted.officers)  // in the order of the file
        if (by_number.contains(officer.service_number)) plan.added.push_back(officer);
}

void plan_units(const KnownForce& known, const Force& wanted, ImportPlan& plan) {
    std::map<UnitPath, const ForceUnit*> before;
    for (const auto& unit : known.units)
        before.emplace(unit.path, &unit);
    std::set<UnitPath> in_file;
    for (const auto& unit : wanted.units) {
        in_file.insert(unit.path);
        const auto found = before.find(unit.path);
        if (found == before.end()) {
            plan.units_added.push_back(unit);
        } else if (found->second->name != unit.name) {
            plan.units_changed.push_back(unit);
        }
    }
    std::set<OfficerId> leaving;
    for (const auto& officer : plan.removed)
        leaving.insert(officer.id);
    std::set<std::string_view> numbers;
    for (const auto& officer : wanted.officers)
        numbers.insert(officer.service_number);
    std::set<UnitPath> peopled;   // anybody names it today
    std::set<UnitPath> served;    // an officer in service names it, or a unit below, today
    std::set<UnitPath> named;     // somebody missing still names it after the import
    std::set<UnitPath> occupied;  // an officer of the file names it
    for (const auto& old : known.officers) {
        for_each_above(old.officer.unit, [&](const UnitPath& unit) { peopled.insert(unit); });
        if (!old.absent_since) for_each_above(old.officer.unit, [&](const UnitPath& unit) { served.insert(unit); });
        if (!leaving.contains(old.id) && !numbers.contains(old.officer.service_number))
            for_each_above(old.officer.unit, [&](const UnitPath& unit) { named.insert(unit); });
    }
    for (const auto& officer : wanted.officers)
        for_each_above(officer.unit, [&](const UnitPath& unit) { occupied.insert(unit); });
    for (const auto& unit : known.units) {
        const bool gone = !in_file.contains(unit.path);
        if (gone && !named.contains(unit.path)) plan.units_removed.push_back(unit);
        const bool had_people = served.contains(unit.path);
        const bool only_structure = gone && !peopled.contains(unit.path);
        if ((had_people && !occupied.contains(unit.path)) || only_structure) plan.emptied.push_back(unit.path);
    }
}

}  // namespace

bool ImportPlan::changes_nothing() const {
    return units_added.empty() && units_changed.empty() && units_removed.empty() && added.empty() && changed.empty() &&
           suspended.empty() && removed.empty();
}

ImportPlan plan_import(const KnownForce& known, const Force& wanted, UnixTime now) {
    ImportPlan plan;
    plan_officers(known, wanted, now, plan);
    plan_units(known, wanted, plan);
    return plan;
}

Result<void> check_removals(const ImportPlan& plan, const KnownForce& known, std::optional<std::uint64_t> allowed) {
    std::uint64_t in_service = 0;
    for (const auto& officer : known.officers)
        if (!officer.absent_since) ++in_service;
    const std::uint64_t going = plan.suspended.size();
    const bool many = going * 100 > in_service * limits::import_vanishing_percent;
    if (!many && plan.emptied.empty()) return ok();
    const auto needed = going + plan.emptied.size();
    if (allowed && *allowed >= needed) return ok();
    std::string text = std::to_string(going) + " of " + std::to_string(in_service) + " officers";
    if (!plan.emptied.empty()) {
        text += " and " + std::to_string(plan.emptied.size()) + " whole units (" + plan.emptied.front().string() +
                (plan.emptied.size() > 1 ? ", …" : "") + ")";
    }
    return Error(Errc::not_allowed, text +
                                        " would vanish; nothing was changed. Is the file complete? If it is meant: "
                                        "--allow-removals " +
                                        std::to_string(needed));
}

}  // namespace melder::admin
