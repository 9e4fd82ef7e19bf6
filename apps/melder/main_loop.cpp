#include "apps/melder/main_loop.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

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

void MainLoop::watch(int descriptor, std::function<void()> work) {
    watched_ = descriptor;
    on_watched_ = std::move(work);
}

void MainLoop::alarm(std::chrono::steady_clock::time_point time, std::function<void()> work) {
    alarm_at_ = time;
    on_alarm_ = std::move(work);
}

void MainLoop::end() {
    watch(-1, {});
    alarm_at_.reset();
    on_alarm_ = {};
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
                      {.fd = input ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0},
                      {.fd = watched_, .events = POLLIN, .revents = 0}};
    const auto now = std::chrono::steady_clock::now();
    if (stop_at_ && *stop_at_ <= now) return false;
    auto next = stop_at_;
    if (alarm_at_) next = next ? std::min(*next, *alarm_at_) : alarm_at_;
    int patience = -1;
    if (next) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - now).count();
        patience = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
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
    if (waits[3].revents != 0 && on_watched_) on_watched_();
    if (alarm_at_ && *alarm_at_ <= std::chrono::steady_clock::now()) {
        alarm_at_.reset();
        std::exchange(on_alarm_, {})();
    }
    if (input && waits[2].revents != 0 && !stopped_) on_input();
    return !stopped_;
}

}  // namespace melder::apps
