#pragma once
// The one RocksDB of a server process, with every column family of key_layout.hpp, and the one thread that commits to
// it. Any thread hands in writes; the lane takes all that wait, writes them as one batch, syncs once and tells each.

#include <functional>
#include <memory>
#include <string>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"
#include "core/result.hpp"
#include "server/stores/executor.hpp"
#include "server/stores/rocksdb/store_counters.hpp"

namespace melder::server {

struct DatabaseConfig {
    std::string directory;        ///< created if missing
    std::string epoch_file;       ///< outside `directory`: holds the store epoch as hex
    bool restored = false;        ///< --restored: take over a store whose epoch differs, under a new epoch
    rocksdb::Env* env = nullptr;  ///< for fault injection; RocksDB's default otherwise
};

class Database {
public:
    /// `store_in_use`, `store_corrupt` (names the write-ahead log file and the restore command),
    /// `store_epoch_mismatch`, `storage_full`, `io_error`. `clock` (for expiry in compactions) and `random` outlive the
    /// database.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const DatabaseConfig& config, const Clock& clock,
                                                                Random& random);
    /// Commits what waits, then closes.
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    /// Reads go past the lane, from any thread that may block: never an event loop.
    [[nodiscard]] rocksdb::DB& db() noexcept;
    /// By a name of key_layout::families.
    [[nodiscard]] rocksdb::ColumnFamilyHandle* family(std::string_view name) const;
    /// 8 bytes that only grow (big-endian) and 8 random ones: a higher epoch is a later one.
    [[nodiscard]] const StoreEpoch& epoch() const noexcept;
    /// True when this start gave the store a new epoch because it was restored.
    [[nodiscard]] bool was_restored() const noexcept;
    /// Once an hour (limits::store_mark_interval), from one thread that may block: raises the mark by which an older
    /// copy of this store is told from it.
    [[nodiscard]] Result<void> raise_mark();

    /// They go on counting. From any thread.
    [[nodiscard]] const StoreCounters& counters() const noexcept;

    struct Write {
        /// Runs on the lane, in the order of the calls; adds to the batch. Other writes may stand in the same batch and
        /// are not yet visible in db(): what a write depends on must be in the writer's own memory.
        std::function<void(rocksdb::WriteBatch&)> fill;
        /// Durable before `done`. Unsynced writes ride the next sync.
        bool sync = true;
        /// Runs on the lane. An error means that the outcome is unknown, except `storage_full`: nothing was written.
        std::function<void(const Result<void>&)> done;
    };
    /// From any thread; never blocks.
    void commit(Write write);
    /// The same, for a finished batch and an answer on the caller's loop.
    void commit(rocksdb::WriteBatch batch, bool sync, Executor executor, std::function<void(Result<void>)> done);
    /// Runs on a thread for reads, in the order of the calls. For what may block: lists, scans.
    void read(std::function<void()> work);

    /// Translates a status: ok, `storage_full`, `store_corrupt`, `io_error`.
    [[nodiscard]] static Result<void> result_of(const rocksdb::Status& status);

private:
    class Impl;
    explicit Database(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::server
