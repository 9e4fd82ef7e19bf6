#pragma once
// Several writers, one batch: RocksDB has no public way to append one batch to another but to replay it.

#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

namespace melder::server {

/// Appends what `from` puts and deletes to `to`. `families` are the handles of all families that `from` names.
/// An error for anything else than puts, deletes and range deletes: this server writes nothing else.
[[nodiscard]] rocksdb::Status join_batch(const rocksdb::WriteBatch& from,
                                         const std::vector<rocksdb::ColumnFamilyHandle*>& families,
                                         rocksdb::WriteBatch& to);

}  // namespace melder::server
