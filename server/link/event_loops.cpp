#include "server/link/event_loops.hpp"

#include <algorithm>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

namespace melder::server {

struct EventLoops::Loop {
    // One thread runs it, so Asio may skip work that only serves several.
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    std::thread thread;
};

EventLoops::EventLoops(std::size_t count) {
    loops_.reserve(std::max<std::size_t>(count, 1));
    while (loops_.size() < std::max<std::size_t>(count, 1)) {
        loops_.push_back(std::make_unique<Loop>());
        auto& loop = *loops_.back();
        // An exception out of a handler is a broken invariant: it ends the process, and what was acknowledged is on
        // disk.
        loop.thread = std::thread([&loop]() noexcept { loop.context.run(); });
    }
}

EventLoops::~EventLoops() {
    stop();
}

std::size_t EventLoops::size() const noexcept {
    return loops_.size();
}
boost::asio::io_context& EventLoops::context(std::size_t core) noexcept {
    return loops_[core]->context;
}

void EventLoops::post_to(std::size_t core, std::function<void()> work) {
    boost::asio::post(loops_[core]->context, std::move(work));
}

bool EventLoops::runs_here(std::size_t core) const noexcept {
    return loops_[core]->context.get_executor().running_in_this_thread();
}

void EventLoops::stop() {
    for (auto& loop : loops_)
        loop->context.stop();
    for (auto& loop : loops_) {
        if (loop->thread.joinable()) loop->thread.join();
    }
}

}  // namespace melder::server
