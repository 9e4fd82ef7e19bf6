#include "tests/apps/watched_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>

namespace melder::testing {
namespace {

constexpr auto patience = std::chrono::seconds(10);

std::uint16_t port_behind(const std::string& text, std::string_view words) {
    const auto at = text.find(words);
    if (at == std::string::npos) return 0;
    return static_cast<std::uint16_t>(std::strtoul(text.c_str() + at + words.size(), nullptr, 10));
}

}  // namespace

bool soon(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::poll(nullptr, 0, 5);
    }
    return true;
}

WatchedServer::~WatchedServer() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

int WatchedServer::spawn(bool restored) {
    std::array<int, 2> output{};
    if (::pipe(output.data()) != 0) return -1;
    const auto config = (directory_ / "melder.toml").string();
    const auto log_file = (directory_ / "log").string();
    process_ = ::fork();
    if (process_ == 0) {
        const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(output[1], STDOUT_FILENO);
        ::dup2(log, STDERR_FILENO);
        ::close(output[0]);
        ::close(output[1]);
        std::signal(SIGXFSZ, SIG_IGN);  // limit_file_size: an error of the write instead
        ::execl(MELDER_SERVER_BINARY, MELDER_SERVER_BINARY, "run", "--config", config.c_str(),
                restored ? "--restored" : nullptr, nullptr);
        ::_exit(127);
    }
    ::close(output[1]);
    return output[0];
}

void WatchedServer::launch(std::uint16_t watch_port) {
    watch_port_ = watch_port;
    ::close(spawn());
}

bool WatchedServer::start(bool restored) {
    const int output = spawn(restored);
    std::string text;
    std::array<char, 256> buffer{};
    // The line about the watch is the last one.
    while (!text.ends_with('\n') || text.find("watched on") == std::string::npos) {
        const auto size = ::read(output, buffer.data(), buffer.size());
        if (size <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    ::close(output);
    port_ = port_behind(text, "ready on port ");
    watch_port_ = port_behind(text, "watched on port ");
    return port_ != 0 && watch_port_ != 0;
}

void WatchedServer::signal(int number) const {
    ::kill(process_, number);
}

void WatchedServer::limit_file_size(std::uint64_t bytes) const {
    const rlimit limit{bytes, bytes};
    ::prlimit(process_, RLIMIT_FSIZE, &limit, nullptr);
}

int WatchedServer::wait() {
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string WatchedServer::log() const {
    std::ifstream in(directory_ / "log");
    return {std::istreambuf_iterator<char>(in), {}};
}

bool WatchedServer::has_logged(const std::string& words, std::size_t times) const {
    return soon([&] {
        const auto text = log();
        std::size_t found = 0;
        for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1))
            ++found;
        return found >= times;
    });
}

}  // namespace melder::testing
