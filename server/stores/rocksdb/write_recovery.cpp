#include "server/stores/rocksdb/write_recovery.hpp"

#include "server/stores/rocksdb/key_layout.hpp"

namespace melder::server {
namespace {

class RecoveryListener final : public rocksdb::EventListener {
public:
    void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status error, bool* automatically) override {
        error.PermitUncheckedError();
        *automatically = false;
    }
};

}  // namespace

std::shared_ptr<rocksdb::EventListener> make_recovery_listener() {
    return std::make_shared<RecoveryListener>();
}

void anchor_memtable(rocksdb::DB& db) {
    std::uint64_t entries = 0;
    if (db.GetIntProperty(rocksdb::DB::Properties::kNumEntriesActiveMemTable, &entries) && entries > 0) return;
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    // Refused while writes are stopped; then there was an anchor when they stopped.
    db.Put(options, rocksdb::Slice(key_layout::anchor_key), rocksdb::Slice()).PermitUncheckedError();
}

}  // namespace melder::server
