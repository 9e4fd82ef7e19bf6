#pragma once
// The directory on the process's RocksDB. One thread takes all operations that wait, runs them over one batch in their
// order (so that each sees the ones before), commits the batch with one sync and only then answers: a prekey that was
// taken is gone from the disk before anybody learns it.

#include <memory>

#include "server/stores/directory_store.hpp"
#include "server/stores/rocksdb/database.hpp"

namespace melder::server {

class RocksDirectoryStore final : public DirectoryStore {
public:
    /// `database` outlives the store.
    explicit RocksDirectoryStore(Database& database);
    /// Carries out what waits.
    ~RocksDirectoryStore() override;

    [[nodiscard]] StoreEpoch epoch() const override;
    void load_head(Executor executor, Done<DirectoryHead> done) override;
    void commit(DirectoryChange change, Executor executor, Done<Cursor> done) override;
    void load_devices(std::vector<EnrolmentId> ids, Executor executor,
                      Done<std::vector<std::optional<DeviceRow>>> done) override;
    void list_devices(std::optional<EnrolmentId> after, std::optional<OfficerId> officer, std::size_t limit,
                      Executor executor, Done<std::vector<DeviceRow>> done) override;
    void list_officers(std::optional<OfficerId> after, std::size_t limit, Executor executor,
                       Done<std::vector<OfficerRow>> done) override;
    void list_units(std::size_t limit, Executor executor, Done<std::vector<UnitRow>> done) override;
    void find_officer(Hash number_key, Executor executor, Done<std::optional<OfficerId>> done) override;
    void load_log(std::uint64_t from, std::size_t limit, Executor executor, Done<std::vector<Bytes>> done) override;
    void load_receipt(EnrolmentId device, Hash order, Executor executor, Done<std::optional<Bytes>> done) override;
    void note_logins(std::vector<LoginRow> rows, Executor executor, Done<void> done) override;
    void load_login(EnrolmentId device, Executor executor, Done<std::optional<LoginRow>> done) override;
    void put_prekeys(PrekeyPut put, Executor executor, Done<std::uint32_t> done) override;
    void take_prekeys(std::vector<TakeItem> items, std::uint32_t reserve, Executor executor,
                      Done<std::vector<TakeResult>> done) override;
    void load_prekeys(EnrolmentId device, Executor executor, Done<PrekeyStock> done) override;
    void remove_prekeys(std::vector<EnrolmentId> devices, Executor executor, Done<void> done) override;
    [[nodiscard]] std::shared_ptr<void> watch(Cursor cursor, Executor executor, FeedHandler handler) override;
    void publish_statement(Bytes statement) override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::server
