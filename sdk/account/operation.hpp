#pragma once
// One asynchronous call of the app: ends exactly once, through the app's `post`, whoever is first: the result, a
// cancel, or the close of the account. Thread-safe.

#include <atomic>

#include "melder/account.hpp"

namespace melder::sdk {

class OperationBase {
public:
    virtual ~OperationBase() = default;
    virtual void fail(const Error& why) = 0;
};

template <class T>
class Operation final : public OperationBase {
public:
    Operation(Post post, typename Pending<T>::Done done) : post_(std::move(post)), done_(std::move(done)) {}

    void end(Result<T> result) {
        if (over_.exchange(true)) return;
        // Results may be move-only; std::function may not.
        auto shared = std::make_shared<Result<T>>(std::move(result));
        post_([done = std::move(done_), shared] { done(std::move(*shared)); });
    }
    void fail(const Error& why) override { end(why); }
    [[nodiscard]] bool over() const noexcept { return over_.load(); }

private:
    Post post_;
    typename Pending<T>::Done done_;
    std::atomic<bool> over_{false};
};

template <class T>
using OperationPtr = std::shared_ptr<Operation<T>>;

}  // namespace melder::sdk
