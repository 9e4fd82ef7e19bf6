#pragma once
// Signing by the thousand: on every core, with progress.

#include <cstddef>
#include <functional>

#include "apps/melder-admin/commands.hpp"

namespace melder::admin {

/// Calls `make` with 0 … count - 1, on several threads at once, and counts on a terminal's standard error (`what`
/// begins with a space: " grants signed"). If it took longer than the server waits for a sign of life, the session gets
/// a new link: that is what may fail.
[[nodiscard]] Result<void> sign_many(Session& session, std::size_t count, const char* what,
                                     const std::function<void(std::size_t)>& make);

}  // namespace melder::admin
