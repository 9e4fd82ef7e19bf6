#pragma once
// A police force as a CSV file, one unit or officer a line, UTF-8, `#` begins a comment line:
//
//     unit,LKA/K5,Kommissariat 5
//     officer,10001,Anna Berger,LKA/K5,member+leader
//
// A field that holds a comma or a quote stands in double quotes, a quote in it is doubled (RFC 4180).

#include <string>
#include <vector>

#include "core/credential.hpp"

namespace melder::admin {

struct ForceUnit {
    UnitPath path;
    std::string name;
};
struct ForceOfficer {
    std::string service_number;
    std::string display_name;
    UnitPath unit;
    std::vector<Role> roles;
};
struct Force {
    std::vector<ForceUnit> units;
    std::vector<ForceOfficer> officers;

    /// `malformed` with the number of the line and what is wrong in it; also a service number or unit that stands there
    /// twice, and an officer in a unit that the file does not name.
    [[nodiscard]] static Result<Force> parse(std::string_view text);
};

/// "member" or "member+leader".
[[nodiscard]] Result<std::vector<Role>> parse_roles(std::string_view text);

}  // namespace melder::admin
