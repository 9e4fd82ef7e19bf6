#include "server/stores/rocksdb/batch_join.hpp"

namespace melder::server {
namespace {

class Join final : public rocksdb::WriteBatch::Handler {
public:
    Join(const std::vector<rocksdb::ColumnFamilyHandle*>& families, rocksdb::WriteBatch& to)
        : families_(families), to_(to) {}
    rocksdb::Status PutCF(std::uint32_t id, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
        return to_.Put(find(id), key, value);
    }
    rocksdb::Status DeleteCF(std::uint32_t id, const rocksdb::Slice& key) override { return to_.Delete(find(id), key); }
    rocksdb::Status DeleteRangeCF(std::uint32_t id, const rocksdb::Slice& begin, const rocksdb::Slice& end) override {
        return to_.DeleteRange(find(id), begin, end);
    }

private:
    [[nodiscard]] rocksdb::ColumnFamilyHandle* find(std::uint32_t id) const {
        for (auto* handle : families_) {
            if (handle->GetID() == id) return handle;
        }
        return nullptr;
    }
    const std::vector<rocksdb::ColumnFamilyHandle*>& families_;
    rocksdb::WriteBatch& to_;
};

}  // namespace

rocksdb::Status join_batch(const rocksdb::WriteBatch& from, const std::vector<rocksdb::ColumnFamilyHandle*>& families,
                           rocksdb::WriteBatch& to) {
    Join join(families, to);
    return from.Iterate(&join);
}

}  // namespace melder::server
