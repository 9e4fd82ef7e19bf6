#pragma once
// What a trust list says and what a next one would change, in words, before anybody signs it. Pure.

#include <string>
#include <vector>

#include "core/trust_list.hpp"

namespace melder::admin {

struct PlanLine {
    std::string change;   ///< for scripts: admin_added, admin_rights, admin_retired, admin_distrusted, pin_added, …
    std::string subject;  ///< the key or pin, whole; empty if the line is about the list
    std::string text;     ///< the line for people
    bool warning = false;
};

/// From `before` (null: there is none yet) to `after`; version and end are always named.
[[nodiscard]] std::vector<PlanLine> plan_list(const TrustList::Fields* before, const TrustList::Fields& after);

}  // namespace melder::admin
