#pragma once
// Reading the directory page by page.

#include <vector>

#include "apps/melder-admin/admin_link.hpp"
#include "apps/melder-admin/import_logic.hpp"

namespace melder::admin {

/// All officers with this prefix in name or service number.
[[nodiscard]] Result<std::vector<wire::Officer>> fetch_officers(AdminLink& link, const std::string& prefix);

struct FetchedDirectory {
    KnownForce force;
    std::uint64_t version = 0;  ///< of the state before the first page was read
};
[[nodiscard]] Result<FetchedDirectory> fetch_directory(AdminLink& link);

}  // namespace melder::admin
