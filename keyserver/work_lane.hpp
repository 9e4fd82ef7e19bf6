#pragma once
// Threads that may block, apart from the event loops. With one thread: everything in the order of the calls.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "server/stores/executor.hpp"

namespace melder::keyserver {

class WorkLane {
public:
    /// With `every` > 0, `tick` runs on the first thread, once per interval.
    explicit WorkLane(std::size_t threads, std::chrono::milliseconds every = {}, std::function<void()> tick = {});
    /// stop(), if it was not called.
    ~WorkLane();
    WorkLane(const WorkLane&) = delete;
    WorkLane& operator=(const WorkLane&) = delete;

    /// From any thread; never blocks. After stop() the work is dropped.
    void post(std::function<void()> work);
    [[nodiscard]] server::Executor executor();
    /// Carries out what waits, joins the threads.
    void stop();

private:
    void work(bool ticks);

    std::chrono::milliseconds every_;
    std::function<void()> tick_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> waiting_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace melder::keyserver
