#pragma once
// For programs on Boost.Asio: any completion token, its executor and its cancellation slot.
//
//     Result<Event> event = co_await async(account->next_event(), boost::asio::use_awaitable);
//
// The handler runs on the token's associated executor, which runs one thing at a time (a strand, or one thread); `emit`
// on its cancellation slot cancels the call.

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "melder/account.hpp"

namespace melder::sdk {

/// AccountOptions::post over an Asio executor, which outlives the account.
template <class Executor>
[[nodiscard]] Post post_to(Executor executor) {
    return [executor](std::function<void()> work) { boost::asio::post(executor, std::move(work)); };
}

template <class T, class Token>
auto async(Pending<T> pending, Token&& token) {
    return boost::asio::async_initiate<Token, void(Result<T>)>(
        [](auto handler, Pending<T> work) {
            auto slot = boost::asio::get_associated_cancellation_slot(handler);
            auto executor = boost::asio::get_associated_executor(handler);
            auto guard = boost::asio::make_work_guard(executor);
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            auto cancel = std::move(work).start([shared, executor, guard](Result<T> result) mutable {
                // The slot is cleared before the handler runs: it may be reused by the next operation of a coroutine.
                boost::asio::post(executor, [shared, guard, result = std::move(result)]() mutable {
                    boost::asio::get_associated_cancellation_slot(*shared).clear();
                    auto finished = std::move(*shared);
                    shared.reset();
                    std::move(finished)(std::move(result));
                });
            });
            if (slot.is_connected()) slot.assign([cancel](boost::asio::cancellation_type) { cancel(); });
        },
        token, std::move(pending));
}

}  // namespace melder::sdk
