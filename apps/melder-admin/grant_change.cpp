#include "apps/melder-admin/grant_change.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::admin {

bool GrantChange::changes_nothing(const Grant& grant) const {
    const auto same = [](const auto& wanted, const auto& present) { return !wanted || *wanted == present; };
    return same(display_name, grant.display_name) && same(service_number, grant.service_number) &&
           same(unit, grant.unit) && same(roles, grant.roles) && !valid;
}

Result<Grant> next_version(const Grant& previous, const GrantChange& change, const Statement& at) {
    auto next = previous;
    ++next.version;
    if (change.display_name) next.display_name = *change.display_name;
    if (change.service_number) next.service_number = *change.service_number;
    if (change.unit) next.unit = *change.unit;
    if (change.roles) next.roles = *change.roles;
    if (change.valid) {
        if (*change.valid > Millis(limits::grant_longest))
            return Error(Errc::bad_argument, "--valid: a grant lasts at most 400 days");
        next.not_before = UnixTime::from_seconds(at.time.seconds());
        next.not_after = next.not_before + *change.valid;
    }
    next.lowest_trust_list = at.trust_list_version;
    next.log_size = at.log_size;
    next.log_head = at.log_head;
    const auto encoded = next.encode();
    if (encoded.has_error()) return Error(Errc::bad_argument, encoded.error().detail());
    return next;
}

bool takes_away(const Grant& previous, const Grant& next) {
    const bool role_lost = std::ranges::any_of(previous.roles, [&](Role role) { return !next.has(role); });
    return role_lost || next.unit != previous.unit || next.not_after < previous.not_after;
}

}  // namespace melder::admin
