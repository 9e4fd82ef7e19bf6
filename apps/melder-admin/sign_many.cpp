#include "apps/melder-admin/sign_many.hpp"

#include <unistd.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr std::size_t per_thread_least = 64;  // a thread costs more than a few signatures
constexpr std::size_t shown_every = 100;

}  // namespace

Result<void> sign_many(Session& session, std::size_t count, const char* what,
                       const std::function<void(std::size_t)>& make) {
    const bool shown = count > 1 && ::isatty(STDERR_FILENO) == 1;
    const auto started = std::chrono::steady_clock::now();
    std::atomic<std::size_t> next = 0;
    std::atomic<std::size_t> done = 0;
    const auto work = [&](bool tells) {
        for (auto i = next++; i < count; i = next++) {
            make(i);
            const auto so_many = ++done;
            if (tells && shown && so_many % shown_every == 0) std::cerr << "\r" << so_many << " of " << count << what;
        }
    };
    {
        std::vector<std::jthread> threads;
        const auto most = std::min<std::size_t>(std::thread::hardware_concurrency(), count / per_thread_least);
        for (std::size_t i = 1; i < most; ++i)
            threads.emplace_back(work, false);
        work(true);
    }
    if (shown) std::cerr << "\r" << count << " of " << count << what << "\n";
    if (std::chrono::steady_clock::now() - started > limits::ping_interval) {
        MELDER_TRY(session.link, session.reopen(session.key));
    }
    return ok();
}

}  // namespace melder::admin
