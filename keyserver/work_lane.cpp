#include "keyserver/work_lane.hpp"

namespace melder::keyserver {

WorkLane::WorkLane(std::size_t threads, std::chrono::milliseconds every, std::function<void()> tick)
    : every_(every), tick_(std::move(tick)) {
    for (std::size_t i = 0; i < threads; ++i) {
        const bool ticks = i == 0 && every_.count() > 0;
        threads_.emplace_back([this, ticks] { work(ticks); });
    }
}

WorkLane::~WorkLane() {
    stop();
}

void WorkLane::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        waiting_.push_back(std::move(work));
    }
    wake_.notify_one();
}

server::Executor WorkLane::executor() {
    return [this](std::function<void()> work) { post(std::move(work)); };
}

void WorkLane::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
}

void WorkLane::work(bool ticks) {
    auto due = std::chrono::steady_clock::now() + every_;
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto ready = [this] { return stopping_ || !waiting_.empty(); };
        if (ticks) {
            wake_.wait_until(lock, due, ready);
        } else {
            wake_.wait(lock, ready);
        }
        if (ticks && !stopping_ && std::chrono::steady_clock::now() >= due) {
            lock.unlock();
            tick_();
            due = std::chrono::steady_clock::now() + every_;
            lock.lock();
        }
        if (!waiting_.empty()) {
            const auto next = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            next();
            lock.lock();
        } else if (stopping_) {
            return;
        }
    }
}

}  // namespace melder::keyserver
