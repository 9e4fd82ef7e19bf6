#include "server/stores/rocksdb/commit_lane.hpp"

#include <algorithm>
#include <iterator>

#include "server/stores/rocksdb/write_recovery.hpp"

namespace melder::server {
namespace {

/// A batch beyond this is written before more is added: memory stays bounded and nobody waits for a giant.
constexpr std::size_t group_bytes = 4 * 1024 * 1024;

}  // namespace

CommitLane::~CommitLane() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void CommitLane::add(Database::Write write) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(write));
    }
    wake_.notify_one();
}

void CommitLane::run() {
    std::vector<Database::Write> group;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) break;
            group.swap(waiting_);
        }
        write_group(group);
        group.clear();
    }
    // Unsynced acks. A disk that refuses costs their repetition.
    rocksdb::WriteBatch nothing;
    static_cast<void>(write(nothing, true));
}

Result<void> CommitLane::write(rocksdb::WriteBatch& batch, bool sync) {
    // Before the anchor: it needs a store that takes writes.
    if (stopped_) {
        const auto resumed = db_.Resume();
        if (!resumed.ok()) return Database::result_of(resumed);
        stopped_ = false;
    }
    if (batch.Count() == 0 && !sync) return ok();
    anchor_memtable(db_);
    const auto attempt = [&] {
        rocksdb::WriteOptions options;
        options.sync = sync;
        return batch.Count() > 0 ? db_.Write(options, &batch) : db_.FlushWAL(true);
    };
    auto status = attempt();
    // A severity: something in the background had stopped the store before, and nothing of this was written.
    const bool was_stopped = !status.ok() && status.severity() >= rocksdb::Status::Severity::kHardError;
    if (was_stopped && db_.Resume().ok()) {
        anchor_memtable(db_);
        status = attempt();
    }
    stopped_ = !status.ok();
    return Database::result_of(status);
}

void CommitLane::write_group(std::vector<Database::Write>& group) {
    std::size_t next = 0;
    while (next < group.size()) {
        const std::size_t first = next;
        rocksdb::WriteBatch batch;
        bool sync = false;
        while (next < group.size() && batch.GetDataSize() < group_bytes) {
            if (group[next].fill) group[next].fill(batch);
            sync |= group[next].sync;
            ++next;
        }
        const auto begun = std::chrono::steady_clock::now();
        const auto result = write(batch, sync);
        counters_.commit.observe(std::chrono::steady_clock::now() - begun);
        counters_.writes.add(next - first);
        counters_.failing.set(result.has_error() ? 1 : 0);
        if (result.has_error()) counters_.failures.add();
        for (std::size_t i = first; i < next; ++i) {
            if (group[i].done) group[i].done(result);
        }
    }
}

ReadLane::~ReadLane() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void ReadLane::add(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(work));
    }
    wake_.notify_one();
}

void ReadLane::run() {
    std::vector<std::function<void()>> work;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            work.swap(waiting_);
        }
        for (auto& each : work)
            each();
        work.clear();
    }
}

}  // namespace melder::server
