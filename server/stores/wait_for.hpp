#pragma once
// Waits for a directory store's answer. Only on a thread that may block: never an event loop.

#include <future>
#include <memory>

#include "server/stores/directory_store.hpp"

namespace melder::server {

/// `wait_for<T>([&](auto executor, auto done) { store.load_x(…, executor, done); })`
template <class T, class Call>
[[nodiscard]] Result<T> wait_for(Call call) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto answer = promise->get_future();
    // The store's own thread only sets the promise.
    const Executor here = [](const std::function<void()>& work) { work(); };
    call(here, DirectoryStore::Done<T>([promise](Result<T> result) { promise->set_value(std::move(result)); }));
    return answer.get();
}

}  // namespace melder::server
