#pragma once
// An import on its way to the server: in parts, then one commit that does everything or nothing.

#include <vector>

#include "apps/melder-admin/admin_link.hpp"
#include "apps/melder-admin/sign_request.hpp"

namespace melder::admin {

/// Stages `parts` (units and officers, without import id) and the signed documents, and commits them together; with
/// progress on a terminal. After an error nothing was changed, unless the sentence says that the answer was lost.
/// `directory_version`: what the parts were planned against.
[[nodiscard]] Result<wire::DirectoryCommitted> enter_import(AdminLink& link, std::vector<wire::StageDirectory> parts,
                                                            const std::vector<SignItem>& documents,
                                                            std::uint64_t directory_version);

}  // namespace melder::admin
