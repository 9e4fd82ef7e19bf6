#pragma once
// The MailboxStore of one machine. Everything that changes runs on the database's committing lane, which also owns the
// memory of ids and quota; lists read behind it.

#include <unordered_map>

#include "server/stores/mailbox_index.hpp"
#include "server/stores/rocksdb/database.hpp"

namespace melder::server {

class RocksdbMailboxStore final : public MailboxStore {
public:
    /// All outlive the store.
    RocksdbMailboxStore(Database& database, const Clock& clock, Random& random);
    /// Waits for the operations under way: each is answered before.
    ~RocksdbMailboxStore() override;

    void summarise(const EnrolmentId& device, Executor executor, SummaryDone done) override;
    void put(std::vector<PutItem> items, Executor executor, PutDone done) override;
    void ack(std::vector<EntryKey> entries, Executor executor, Done done) override;
    void hold(std::vector<EntryKey> entries, Executor executor, Done done) override;
    void mark(std::vector<MarkItem> items, Executor executor, Done done) override;
    void list(const ListQuery& query, Executor executor, ListDone done) override;
    void remove_device(const EnrolmentId& device, Executor executor, Done done) override;
    void sync(Executor executor, Done done) override;

private:
    // On the lane
    /// Nothing when the disk cannot be read; the next call tries again.
    MailboxIndex* find_index(const EnrolmentId& device);
    PutResult put_one(const PutItem& item, rocksdb::WriteBatch& batch);
    std::string write_body(const BodyPointer& body, rocksdb::WriteBatch& batch);
    void release_body(std::uint64_t number, rocksdb::WriteBatch& batch);
    void delete_entry(const EnrolmentId& device, const IndexEntry& entry, rocksdb::WriteBatch& batch);
    void mark_one(const MarkItem& item, rocksdb::WriteBatch& batch);
    void forget_index(const EnrolmentId& device);
    void bound_memory();
    // On the reading thread
    Result<ListPage> load_page(const ListQuery& query) const;

    struct BodyUse {
        std::uint32_t rows = 0;
        std::weak_ptr<SharedBody> body;
    };
    Database& database_;
    const Clock& clock_;
    rocksdb::ColumnFamilyHandle* rows_;
    rocksdb::ColumnFamilyHandle* body_rows_;
    std::uint64_t process_;  ///< random: body keys of this process
    std::uint64_t last_body_ = 0;
    std::unordered_map<EnrolmentId, MailboxIndex> indexes_;
    std::unordered_map<std::uint64_t, BodyUse> bodies_;
};

}  // namespace melder::server
