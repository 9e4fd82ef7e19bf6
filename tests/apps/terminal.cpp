#include "tests/apps/terminal.hpp"

#include <csignal>
#include <cstdlib>

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace melder::testing {

using namespace std::chrono_literals;

namespace {
constexpr auto patience = 10s;
}

Terminal::Terminal(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const auto& each : command)
        arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    child_ = ::forkpty(&descriptor_, nullptr, nullptr, &size);
    if (child_ == 0) {
        ::setenv("TERM", "xterm", 1);
        ::execv(arguments.front(), arguments.data());
        ::_exit(127);
    }
}

Terminal::~Terminal() {
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Terminal::type(const std::string& keys) {
    (void)!::write(descriptor_, keys.data(), keys.size());
}

void Terminal::resize(unsigned short rows, unsigned short columns) {
    const winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(descriptor_, TIOCSWINSZ, &size);
}

bool Terminal::read_some(std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd wait{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (left <= 0ms || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
    char block[4096];
    const auto size = ::read(descriptor_, block, sizeof block);
    if (size <= 0) return false;
    transcript_.append(block, static_cast<std::size_t>(size));
    return true;
}

bool Terminal::shows(const std::string& text) {
    const auto until = std::chrono::steady_clock::now() + patience;
    do {
        if (const auto at = transcript_.find(text, seen_); at != std::string::npos) {
            seen_ = at + text.size();
            return true;
        }
    } while (read_some(until));
    return false;
}

int Terminal::exit_code() {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (read_some(until)) {
    }
    int status = 0;
    if (::waitpid(child_, &status, std::chrono::steady_clock::now() < until ? 0 : WNOHANG) != child_) return -1;
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace melder::testing
