#pragma once
// What an import changes in the directory, as the parts that the server takes, and the fingerprint of the directory
// that it was planned against. No I/O.

#include <span>
#include <string>
#include <vector>

#include "apps/melder-admin/import_logic.hpp"
#include "core/random.hpp"
#include "proto/link.pb.h"

namespace melder::admin {

/// Each below a message, without import id. What goes stands before what comes: a service number may pass to somebody
/// else. New officers get their ids here.
[[nodiscard]] std::vector<wire::StageDirectory> parts_of(const ImportPlan& plan, Random& random);

/// The same for the same units and officers, in whatever order they come.
[[nodiscard]] Hash digest_of(const KnownForce& force);

/// "1 units and 12 officers entered or changed, 0 and 3 removed"
[[nodiscard]] std::string words_of(std::span<const wire::StageDirectory> parts);

}  // namespace melder::admin
