#pragma once
// For plain threads: wait for an asynchronous call.
//
//     Result<Event> event = wait(account->next_event(), std::chrono::seconds(5));   // `deadline_exceeded` after 5 s
//     std::future<Result<ContentId>> sent = start_future(account->send(message));
//
// Never on the thread that AccountOptions::post brings completions to: it would wait for itself.

#include <chrono>
#include <future>

#include "melder/account.hpp"

namespace melder::sdk {

template <class T>
[[nodiscard]] std::future<Result<T>> start_future(Pending<T> pending, Cancel* cancel = nullptr) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    auto stop = std::move(pending).start([promise](Result<T> result) { promise->set_value(std::move(result)); });
    if (cancel != nullptr) *cancel = std::move(stop);
    return future;
}

template <class T>
[[nodiscard]] Result<T> wait(Pending<T> pending) {
    return start_future(std::move(pending)).get();
}

/// Cancels the call when the time is over. What it reached just before still counts.
template <class T>
[[nodiscard]] Result<T> wait(Pending<T> pending, std::chrono::milliseconds at_most) {
    Cancel cancel;
    auto future = start_future(std::move(pending), &cancel);
    if (future.wait_for(at_most) == std::future_status::ready) return future.get();
    cancel();
    auto result = future.get();
    if (result.has_error() && result.error() == Errc::cancelled) return Errc::deadline_exceeded;
    return result;
}

}  // namespace melder::sdk
