#pragma once
// What an import would change, decided before anything is: the directory as it is against the file as it should be.
// Pure: no file, no link, no clock. An officer is known by his service number and keeps his id.
//
// Who is missing from the file is not removed at once: he is *absent* from the first import without him, his devices
// are suspended with it, and an import 7 days later or more removes him. Who returns before is no longer absent; his
// devices stay suspended until two administrators restore them. A unit goes with the last officer that names it.

#include <optional>

#include "apps/melder-admin/force_file.hpp"
#include "core/clock.hpp"

namespace melder::admin {

struct KnownOfficer {
    OfficerId id;
    ForceOfficer officer;
    std::optional<UnixTime> absent_since;
};
struct KnownForce {
    std::vector<ForceUnit> units;
    std::vector<KnownOfficer> officers;
};

struct ImportPlan {
    std::vector<ForceUnit> units_added, units_changed, units_removed;
    std::vector<ForceOfficer> added;
    std::vector<KnownOfficer> changed;    ///< as they will be; who returned from absence among them
    std::vector<KnownOfficer> suspended;  ///< missing from the file for the first time
    std::vector<KnownOfficer> removed;    ///< missing for 7 days or more
    std::size_t waiting = 0;              ///< missing, their 7 days not over
    std::vector<UnitPath> emptied;  ///< units that would vanish: gone from the file, or none of their officers left

    [[nodiscard]] bool changes_nothing() const;
};
[[nodiscard]] ImportPlan plan_import(const KnownForce& known, const Force& wanted, UnixTime now);

/// `not_allowed` with a sentence that counts, if more than 2 % of the officers or a whole unit would vanish and fewer
/// than that many removals were allowed.
[[nodiscard]] Result<void> check_removals(const ImportPlan& plan, const KnownForce& known,
                                          std::optional<std::uint64_t> allowed);

}  // namespace melder::admin
