#pragma once
// The one thread of a command that listens to three sides at once: standard input, the account's completions and the
// signals that end it. No polling: whoever waits costs nothing.
//
//     const auto loop = std::make_shared<MainLoop>();
//     account.next_event().start(loop->here<sdk::Event>([&](Result<sdk::Event> event) { … }));   // runs inside run()
//     loop->run([&] { read_some_of_standard_input(); });

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace melder::apps {

class MainLoop : public std::enable_shared_from_this<MainLoop> {
public:
    MainLoop();
    ~MainLoop();
    MainLoop(const MainLoop&) = delete;
    MainLoop& operator=(const MainLoop&) = delete;

    /// Any thread.
    void post(std::function<void()> work);
    /// A completion for an asynchronous call of the account: brings `then` to this loop. Keeps the loop alive; what
    /// arrives after `end` is dropped.
    template <class T>
    [[nodiscard]] std::function<void(Result<T>)> here(std::function<void(Result<T>)> then) {
        return [self = shared_from_this(), then = std::move(then)](Result<T> result) {
            auto held = std::make_shared<Result<T>>(std::move(result));
            self->post([then, held] { then(std::move(*held)); });
        };
    }

    /// Until `stop` or an interrupt. `on_input` is called while standard input has something to read, or has ended;
    /// empty, or `listen(false)`: standard input is left alone.
    void run(const std::function<void()>& on_input);
    void stop() { stopped_ = true; }
    void stop_in(Millis time) { stop_at_ = std::chrono::steady_clock::now() + time; }
    void listen(bool input) { listening_ = input; }
    /// `work` while this descriptor is readable; -1: none.
    void watch(int descriptor, std::function<void()> work);
    /// `work` once, at this time; replaces what was asked for before.
    void alarm(std::chrono::steady_clock::time_point time, std::function<void()> work);

    /// One round of `run`, for callers that are called back themselves; false: no more.
    bool step(const std::function<void()>& on_input);
    /// Nothing is taken any more, and what waits is forgotten: breaks the cycle between the loop and what waits in it.
    void end();

private:
    int wake_ = -1;  ///< eventfd
    bool stopped_ = false;
    bool listening_ = true;
    std::optional<std::chrono::steady_clock::time_point> stop_at_;
    int watched_ = -1;
    std::function<void()> on_watched_;
    std::optional<std::chrono::steady_clock::time_point> alarm_at_;
    std::function<void()> on_alarm_;
    bool over_ = false;  ///< under the mutex
    std::mutex mutex_;
    std::vector<std::function<void()>> posted_;
};

}  // namespace melder::apps
