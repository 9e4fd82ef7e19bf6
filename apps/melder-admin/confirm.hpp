#pragma once
// The question before something that cannot be taken back.

#include <string>

#include "core/result.hpp"

namespace melder::admin {

/// Asks on the terminal; fine after the whole word "yes". `cancelled` after anything else; `bad_argument` if standard
/// input is no terminal. With `yes` (the option --yes) nobody is asked.
[[nodiscard]] Result<void> confirm(const std::string& question, bool yes);

}  // namespace melder::admin
