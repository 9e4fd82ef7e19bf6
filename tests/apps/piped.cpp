#include "tests/apps/piped.hpp"

#include <csignal>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace melder::testing {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 10s;

int bytes_in(int pipe) {
    int bytes = 0;
    return ::ioctl(pipe, FIONREAD, &bytes) == 0 ? bytes : -1;
}

template <class Condition>
bool eventually(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::yield();
    }
    return true;
}

void close_once(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
}

}  // namespace

Piped::Piped(const std::vector<std::string>& command, int output_bytes) {
    std::vector<char*> arguments;
    for (const auto& each : command)
        arguments.push_back(const_cast<char*>(each.c_str()));
    arguments.push_back(nullptr);
    int to[2], from[2];
    if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    if (output_bytes > 0 && ::fcntl(from[1], F_SETPIPE_SZ, output_bytes) < 0) throw std::runtime_error("pipe size");
    child_ = ::fork();
    if (child_ == 0) {
        ::dup2(to[0], STDIN_FILENO);
        ::dup2(from[1], STDOUT_FILENO);
        ::execv(arguments.front(), arguments.data());
        ::_exit(127);
    }
    ::close(to[0]);
    ::close(from[1]);
    in_ = to[1];
    out_ = from[0];
}

Piped::~Piped() {
    if (child_ > 0) {
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    close_once(in_);
    close_once(out_);
}

void Piped::write(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto size = ::write(in_, text.data() + at, text.size() - at);
        if (size <= 0) return;
        at += static_cast<std::size_t>(size);
    }
}

void Piped::end_input() {
    close_once(in_);
}

std::optional<std::string> Piped::line() {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (const auto feed = rest_.find('\n'); feed != std::string::npos) {
            auto line = rest_.substr(0, feed);
            rest_.erase(0, feed + 1);
            return line;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd wait{.fd = out_, .events = POLLIN, .revents = 0};
        if (left <= 0ms || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return std::nullopt;
        char block[16 * 1024];
        const auto size = ::read(out_, block, sizeof block);
        if (size <= 0) return std::nullopt;
        rest_.append(block, static_cast<std::size_t>(size));
    }
}

std::optional<std::string> Piped::line_with(const std::string& text) {
    for (;;) {
        auto next = line();
        if (!next || next->find(text) != std::string::npos) return next;
    }
}

bool Piped::has_unread(int bytes) const {
    return eventually([&] { return bytes_in(out_) >= bytes; });
}

bool Piped::has_read_everything() const {
    return eventually([&] { return bytes_in(in_) == 0; });
}

void Piped::close_output() {
    close_once(out_);
}

void Piped::signal(int number) const {
    ::kill(child_, number);
}

int Piped::exit_code() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(child_, &status, WNOHANG) == child_; })) return -1;
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace melder::testing
