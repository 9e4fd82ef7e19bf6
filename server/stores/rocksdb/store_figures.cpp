#include "server/stores/rocksdb/store_figures.hpp"

#include "server/stores/rocksdb/key_layout.hpp"

namespace melder::server {

StoreFigures load_figures(Database& database) {
    using Properties = rocksdb::DB::Properties;
    auto& db = database.db();
    const auto figure = [&](rocksdb::ColumnFamilyHandle* family, const std::string& property) {
        std::uint64_t value = 0;
        return db.GetIntProperty(family, property, &value) ? value : 0;
    };
    StoreFigures figures;
    for (const auto name : key_layout::families) {
        auto* const family = database.family(name);
        figures.families.push_back(
            {name, figure(family, Properties::kTotalSstFilesSize), figure(family, Properties::kSizeAllMemTables),
             figure(family, Properties::kEstimateNumKeys), figure(family, Properties::kEstimatePendingCompactionBytes),
             figure(family, Properties::kCompactionPending) != 0});
    }
    auto* const meta = database.family(key_layout::meta_family);
    figures.background_errors = figure(meta, Properties::kBackgroundErrors);
    figures.compactions = figure(meta, Properties::kNumRunningCompactions);
    figures.write_stopped = figure(meta, Properties::kIsWriteStopped) != 0;
    rocksdb::VectorLogPtr logs;
    if (db.GetSortedWalFiles(logs).ok()) {
        for (const auto& log : logs)
            figures.wal_bytes += log->SizeFileBytes();
    }
    return figures;
}

}  // namespace melder::server
