#include "tests/apps/run_command.hpp"

#include <sys/wait.h>

#include <array>
#include <cstdio>

namespace melder::testing {

CommandResult run_command(const std::string& line) {
    CommandResult result;
    auto* pipe = ::popen((line + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return result;
    std::array<char, 4096> buffer{};
    while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe))
        result.output.append(buffer.data(), size);
    const int status = ::pclose(pipe);
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    return result;
}

}  // namespace melder::testing
