#pragma once
// Where a store's answers arrive.

#include <functional>

namespace melder::server {

/// Runs work on the caller's loop, never inside the call: `[&](auto work) { loops.post_to(core, std::move(work)); }`.
using Executor = std::function<void(std::function<void()>)>;

}  // namespace melder::server
