#pragma once
// Reading the server's directory, which only the police itself runs.

#include <vector>

#include "apps/melder-admin/admin_link.hpp"

namespace melder::admin {

/// Every officer whose name or number begins with `prefix`, page by page.
[[nodiscard]] Result<std::vector<wire::Officer>> fetch_officers(AdminLink& link, const std::string& prefix);

}  // namespace melder::admin
