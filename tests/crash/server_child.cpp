#include "tests/crash/server_child.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cstdlib>

namespace melder::testing {

ServerChild::~ServerChild() {
    kill_now();
}

Result<std::uint16_t> ServerChild::start(const std::string& config_file) {
    std::array<int, 2> output{};
    if (::pipe(output.data()) != 0) return Errc::io_error;
    process_ = ::fork();
    if (process_ < 0) return Errc::io_error;
    if (process_ == 0) {
        ::dup2(output[1], STDOUT_FILENO);
        ::close(output[0]);
        ::close(output[1]);
        ::execl(MELDER_SERVER_BINARY, MELDER_SERVER_BINARY, "run", "--config", config_file.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(output[1]);
    std::string text;
    std::array<char, 256> buffer{};
    while (text.find('\n') == std::string::npos) {
        const auto size = ::read(output[0], buffer.data(), buffer.size());
        if (size <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    ::close(output[0]);
    constexpr std::string_view before_port = "ready on port ";
    const auto at = text.find(before_port);
    if (at == std::string::npos) return Error(Errc::internal, "the server did not get ready");
    return static_cast<std::uint16_t>(std::strtoul(text.c_str() + at + before_port.size(), nullptr, 10));
}

void ServerChild::kill_now() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

int ServerChild::terminate() {
    int status = 0;
    ::kill(process_, SIGTERM);
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace melder::testing
