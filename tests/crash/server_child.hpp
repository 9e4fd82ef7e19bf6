#pragma once
// The real melder-server as a process of its own, to be killed.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace melder::testing {

class ServerChild {
public:
    /// kill_now(), if it still runs.
    ~ServerChild();
    /// Runs `melder-server run --config FILE` and waits for its "ready on port" line.
    [[nodiscard]] Result<std::uint16_t> start(const std::string& config_file);
    /// SIGKILL; returns when the process is gone.
    void kill_now();
    /// SIGTERM; the exit code.
    [[nodiscard]] int terminate();

private:
    pid_t process_ = -1;
};

}  // namespace melder::testing
