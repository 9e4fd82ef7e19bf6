#pragma once
// `log verify` and `log show`: the order log, read whole and checked entry by entry.

#include <optional>
#include <ostream>
#include <string>

#include "apps/melder-admin/commands.hpp"

namespace melder::admin {

/// Checks every signature, the chain against a fresh statement, and the head against what was verified before.
[[nodiscard]] Result<void> verify_log(Session& session, std::ostream& out);

struct LogOptions {
    std::string device;     ///< only entries that name it
    std::size_t last = 50;  ///< so many at most, the newest; 0: all
};
/// The same checks, then the entries in words. A reason is shown when this home's journal holds the text behind the
/// hash.
[[nodiscard]] Result<void> show_log(Session& session, const LogOptions& options, std::ostream& out);

}  // namespace melder::admin
