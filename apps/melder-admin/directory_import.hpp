#pragma once
// `directory import`: a file, the plan, and on request its execution.

#include <ostream>
#include <string>

#include "apps/melder-admin/commands.hpp"

namespace melder::admin {

struct ImportOptions {
    std::string file;
    bool apply = false;
    std::optional<std::uint64_t> allow_removals;
    const Ed25519Seed* second_key = nullptr;  ///< above 20 suspended devices an hour
    std::string sign_request;  ///< the same, by a file for a second administrator, who may submit the whole import
    std::string reason;        ///< of suspensions and changed grants; empty: what happened
};
/// Prints the plan. With `apply` units and officers change, the devices of officers who are newly missing are suspended
/// and those of changed officers get new grant versions: in one commit of the server, or nothing happens.
[[nodiscard]] Result<void> import_directory(Session& session, const ImportOptions& options, std::ostream& out);

}  // namespace melder::admin
