#pragma once
// The real melder-server on a world's directory, with its ports and its log.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "tests/server/http_client.hpp"

namespace melder::testing {

class WatchedServer {
public:
    /// `melder-server run` on DIRECTORY/melder.toml. Log lines go to DIRECTORY/log.
    explicit WatchedServer(std::filesystem::path directory) : directory_(std::move(directory)) {}
    /// SIGKILL, if it still runs.
    ~WatchedServer();
    WatchedServer(const WatchedServer&) = delete;
    WatchedServer& operator=(const WatchedServer&) = delete;

    /// False, with what it said in `log()`, if it did not get ready.
    [[nodiscard]] bool start(bool restored = false);
    /// start() without waiting for it to get ready; `watch_port` is what the configuration says.
    void launch(std::uint16_t watch_port);
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::uint16_t watch_port() const { return watch_port_; }
    void signal(int number) const;
    /// From now on every write that makes a file longer than this fails.
    void limit_file_size(std::uint64_t bytes) const;
    /// After a signal that ends it: the exit code.
    [[nodiscard]] int wait();
    [[nodiscard]] std::string log() const;
    /// True once the log holds the words `times` times; false after 10 s.
    [[nodiscard]] bool has_logged(const std::string& words, std::size_t times = 1) const;
    [[nodiscard]] HttpReply get(const std::string& target) const { return http(watch_port_, "GET", target); }

private:
    /// Where it writes what scripts read.
    int spawn(bool restored = false);

    std::filesystem::path directory_;
    pid_t process_ = -1;
    std::uint16_t port_ = 0;
    std::uint16_t watch_port_ = 0;
};

/// Asks again until the answer is yes, for 10 s.
[[nodiscard]] bool soon(const std::function<bool()>& condition);

}  // namespace melder::testing
