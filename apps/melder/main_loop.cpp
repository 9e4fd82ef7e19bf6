#include "apps/melder/main_loop.hpp"

#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "apps/melder/terminal.hpp"

namespace melder::apps {

MainLoop::MainLoop() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

MainLoop::~MainLoop() {
    ::close(wake_);
}

void MainLoop::post(std::function<void()> work) {
    {
        const std::scoped_lock lock(mutex_);
        if (over_) return;
        posted_.push_back(std::move(work));
    }
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);  // a full counter is readable as well
}

void MainLoop::run(const std::function<void()>& on_input) {
    while (step(on_input)) {
    }
}

void MainLoop::end() {
    std::vector<std::function<void()>> dropped;  // declared first: goes after the lock, for what it holds may post
    const std::scoped_lock lock(mutex_);
    over_ = true;
    dropped.swap(posted_);
}

bool MainLoop::step(const std::function<void()>& on_input) {
    if (stopped_ || interrupted()) return false;
    const bool input = listening_ && on_input;
    pollfd waits[] = {{.fd = wake_, .events = POLLIN, .revents = 0},
                      {.fd = interrupt_descriptor(), .events = POLLIN, .revents = 0},
                      {.fd = input ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    int patience = -1;
    if (stop_at_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*stop_at_ - std::chrono::steady_clock::now());
        if (left <= std::chrono::milliseconds(0)) return false;
        patience = static_cast<int>(left.count());
    }
    if (::poll(waits, std::size(waits), patience) < 0 && errno != EINTR)
        throw std::system_error(errno, std::generic_category(), "poll");
    if (interrupted()) return false;
    if (waits[0].revents != 0) {
        std::uint64_t count = 0;
        (void)!::read(wake_, &count, sizeof count);
        std::vector<std::function<void()>> due;
        {
            const std::scoped_lock lock(mutex_);
            due.swap(posted_);
        }
        for (const auto& work : due)
            work();
    }
    if (input && waits[2].revents != 0 && !stopped_) on_input();
    return !stopped_;
}

}  // namespace melder::apps
