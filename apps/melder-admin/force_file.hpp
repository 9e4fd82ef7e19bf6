#pragma once
// A police force as a CSV file (csv.hpp), one unit or officer a line; units as a tree, each behind its parent:
//
//     unit,LKA,Landeskriminalamt
//     unit,LKA/K5,Kommissariat 5
//     officer,10001,Anna Berger,LKA/K5,member+leader

#include <string>
#include <vector>

#include "core/credential.hpp"

namespace melder::admin {

struct ForceUnit {
    UnitPath path;
    std::string name;
    friend bool operator==(const ForceUnit&, const ForceUnit&) = default;
};
struct ForceOfficer {
    std::string service_number;
    std::string display_name;
    UnitPath unit;
    std::vector<Role> roles;
    friend bool operator==(const ForceOfficer&, const ForceOfficer&) = default;
};
struct Force {
    std::vector<ForceUnit> units;
    std::vector<ForceOfficer> officers;

    /// `malformed` with line and column and what is wrong there; also a service number or unit that stands there
    /// twice, and a unit or officer whose unit is not named above.
    [[nodiscard]] static Result<Force> parse(std::string_view text);
};

/// "member" or "member+leader".
[[nodiscard]] Result<std::vector<Role>> parse_roles(std::string_view text);

}  // namespace melder::admin
