#pragma once
// Runs a command line as a person types it, and reads what it answers.

#include <string>

namespace melder::testing {

struct CommandResult {
    int exit_code = -1;
    std::string output;  ///< standard output and error together
};

/// Through /bin/sh; waits for the end.
[[nodiscard]] CommandResult run_command(const std::string& line);

}  // namespace melder::testing
