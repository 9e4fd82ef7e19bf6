#pragma once
// How the store goes on after its disk was full, without a restart.
//
// RocksDB stops all writes then. DB::Resume() makes it go on: it flushes what is in memory and starts a new log, so
// that nothing depends on the file that failed. In 7.8 it keeps the failed log (whose next use is an assertion) when
// there is nothing in memory to flush.
//
// A failed sync or read-only disk is another matter: what the kernel dropped cannot be asked for again. RocksDB stays
// stopped, every write is answered `io_error`, and only a restart reads what is really there.

#include <memory>

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

namespace melder::server {

/// Leaves it to the committing lane when to resume: RocksDB's own attempts, a poll every five seconds, would keep the
/// lane's out.
[[nodiscard]] std::shared_ptr<rocksdb::EventListener> make_recovery_listener();

/// Call before a write: sees to it that there is something to flush. In memory only.
void anchor_memtable(rocksdb::DB& db);

}  // namespace melder::server
