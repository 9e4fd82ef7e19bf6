#include "apps/melder-admin/import_parts.hpp"

#include <set>

#include "core/endian.hpp"

namespace melder::admin {
namespace {

constexpr std::size_t part_bytes = 96u * 1024;  // an entry has at most 1 KiB: a part stays below a message

void fill(wire::Unit& out, const ForceUnit& unit) {
    for (const auto& id : unit.path.ids())
        out.add_path(id);
    out.set_name(unit.name);
}

void fill(wire::Officer& out, const KnownOfficer& officer) {
    out.set_officer_id(officer.id.string());
    out.set_display_name(officer.officer.display_name);
    out.set_service_number(officer.officer.service_number);
    for (const auto& id : officer.officer.unit.ids())
        out.add_unit(id);
    for (const auto role : officer.officer.roles)
        out.add_roles(static_cast<wire::Role>(role));
    if (officer.absent_since) out.set_absent_since_s(static_cast<std::uint64_t>(officer.absent_since->seconds()));
}

class Parts {
public:
    void add(const ForceUnit& unit, bool removed) {
        auto& entry = removed ? *present().add_removed_units() : *present().add_units();
        fill(entry, unit);
        bytes_ += entry.ByteSizeLong() + 4;
    }
    void add(const KnownOfficer& officer, bool removed) {
        auto& entry = removed ? *present().add_removed_officers() : *present().add_officers();
        fill(entry, officer);
        bytes_ += entry.ByteSizeLong() + 4;
    }
    [[nodiscard]] std::vector<wire::StageDirectory> take() { return std::move(parts_); }

private:
    wire::StageDirectory& present() {
        if (parts_.empty() || bytes_ >= part_bytes) {
            parts_.emplace_back();
            bytes_ = 0;
        }
        return parts_.back();
    }
    std::vector<wire::StageDirectory> parts_;
    std::size_t bytes_ = 0;
};

}  // namespace

std::vector<wire::StageDirectory> parts_of(const ImportPlan& plan, Random& random) {
    Parts parts;
    for (const auto& unit : plan.units_removed)
        parts.add(unit, true);
    for (const auto& officer : plan.removed)
        parts.add(officer, true);
    for (const auto* units : {&plan.units_added, &plan.units_changed})
        for (const auto& unit : *units)
            parts.add(unit, false);
    for (const auto* officers : {&plan.changed, &plan.suspended})
        for (const auto& officer : *officers)
            parts.add(officer, false);
    for (const auto& officer : plan.added)
        parts.add({random.id<OfficerId>(), officer, {}}, false);
    return parts.take();
}

Hash digest_of(const KnownForce& force) {
    std::set<std::string> entries;
    for (const auto& unit : force.units) {
        wire::Unit entry;
        fill(entry, unit);
        entries.insert("u" + entry.SerializeAsString());
    }
    for (const auto& officer : force.officers) {
        wire::Officer entry;
        fill(entry, officer);
        entries.insert("o" + entry.SerializeAsString());
    }
    Bytes all;
    for (const auto& entry : entries) {
        const auto length = big_endian(static_cast<std::uint32_t>(entry.size()));
        all.insert(all.end(), length.begin(), length.end());
        const auto bytes = view(entry);
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return sha256(all);
}

std::string words_of(std::span<const wire::StageDirectory> parts) {
    int units = 0;
    int units_removed = 0;
    int officers = 0;
    int officers_removed = 0;
    for (const auto& part : parts) {
        units += part.units_size();
        units_removed += part.removed_units_size();
        officers += part.officers_size();
        officers_removed += part.removed_officers_size();
    }
    return std::to_string(units) + " units and " + std::to_string(officers) + " officers entered or changed, " +
           std::to_string(units_removed) + " and " + std::to_string(officers_removed) + " removed";
}

}  // namespace melder::admin
