#pragma once
// Expiry as compactions carry it out: an expired new entry becomes a marker, everything else that expired disappears.

#include <memory>

#include <rocksdb/compaction_filter.h>

#include "core/clock.hpp"

namespace melder::server {

/// For the mailbox family. `clock` outlives the database.
[[nodiscard]] std::unique_ptr<rocksdb::CompactionFilter> make_entry_expiry_filter(const Clock& clock);
/// For the body family.
[[nodiscard]] std::unique_ptr<rocksdb::CompactionFilter> make_body_expiry_filter(const Clock& clock);

}  // namespace melder::server
