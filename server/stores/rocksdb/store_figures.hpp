#pragma once
// What RocksDB says about itself, for metrics. Reads the directory of the store: may block.

#include <cstdint>
#include <string_view>
#include <vector>

#include "server/stores/rocksdb/database.hpp"

namespace melder::server {

struct FamilyFigures {
    std::string_view name;  ///< of key_layout::families
    std::uint64_t sst_bytes = 0;
    std::uint64_t memtable_bytes = 0;
    std::uint64_t rows = 0;           ///< RocksDB's estimate
    std::uint64_t pending_bytes = 0;  ///< its estimate of what compactions still have to rewrite
    bool compaction_pending = false;
};
struct StoreFigures {
    std::vector<FamilyFigures> families;
    std::uint64_t wal_bytes = 0;          ///< write-ahead log files, live and archived
    std::uint64_t background_errors = 0;  ///< since the store was opened
    std::uint64_t compactions = 0;        ///< running now
    bool write_stopped = false;
};

/// What cannot be read is 0.
[[nodiscard]] StoreFigures load_figures(Database& database);

}  // namespace melder::server
