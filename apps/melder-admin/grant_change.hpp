#pragma once
// The next version of a device's grant. Pure.

#include <optional>
#include <string>

#include "core/credential.hpp"
#include "core/statement.hpp"

namespace melder::admin {

struct GrantChange {
    std::optional<std::string> display_name, service_number;
    std::optional<UnitPath> unit;
    std::optional<std::vector<Role>> roles;
    std::optional<Millis> valid;  ///< from now on; at most 400 days

    [[nodiscard]] bool changes_nothing(const Grant& grant) const;
};

/// Repeats who the device is, changes what is asked for, and carries the log head of `at`, a statement fetched just
/// now. `bad_argument` for a validity beyond 400 days or text that no grant holds.
[[nodiscard]] Result<Grant> next_version(const Grant& previous, const GrantChange& change, const Statement& at);

/// True if the officer has less by it: a role, another unit, an earlier end. Such a version is an order (*supersede*),
/// so that no peer can be shown the former one. The keyserver judges the same (keyserver/admission_logic.hpp).
[[nodiscard]] bool takes_away(const Grant& previous, const Grant& next);

}  // namespace melder::admin
