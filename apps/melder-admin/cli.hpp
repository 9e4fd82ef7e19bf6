#pragma once
// The command line of melder-admin.

namespace melder::admin {

/// Exit codes: 0 done, 1 refused or failed (nothing was changed unless the message says so), 2 wrong usage.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace melder::admin
