#pragma once
// Hands change batches to everybody who watches. Thread-safe; order is the order of the calls of `publish`.

#include <map>
#include <mutex>

#include "server/stores/directory_store.hpp"

namespace melder::server {

class FeedHub {
public:
    using Batch = std::shared_ptr<const FeedBatch>;

    void publish(const Batch& batch) {
        const std::lock_guard lock(state_->mutex);
        for (auto& [id, watcher] : state_->watchers) {
            if (watcher.started) watcher.hand_over(batch);
        }
    }
    /// A watcher gets nothing before `start`, and what it missed first.
    [[nodiscard]] std::shared_ptr<void> add(Executor executor, DirectoryStore::FeedHandler handler, std::uint64_t& id) {
        const std::lock_guard lock(state_->mutex);
        id = ++state_->last_id;
        state_->watchers.emplace(id, Watcher{std::move(executor), std::move(handler)});
        // The token may outlive the store.
        return std::shared_ptr<void>(nullptr, [state = state_, id](void*) {
            const std::lock_guard guard(state->mutex);
            state->watchers.erase(id);
        });
    }
    void start(std::uint64_t id, const std::vector<Batch>& missed) {
        const std::lock_guard lock(state_->mutex);
        const auto found = state_->watchers.find(id);
        if (found == state_->watchers.end()) return;
        for (const auto& batch : missed)
            found->second.hand_over(batch);
        found->second.started = true;
    }

private:
    struct Watcher {
        Executor executor;
        DirectoryStore::FeedHandler handler;
        bool started = false;
        void hand_over(const Batch& batch) {
            executor([handler = handler, batch] { handler(batch); });
        }
    };
    struct State {
        std::mutex mutex;
        std::uint64_t last_id = 0;
        std::map<std::uint64_t, Watcher> watchers;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace melder::server
