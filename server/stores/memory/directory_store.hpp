#pragma once
// The directory in memory: for tests and the simulation. The same rules as on disk (directory_engine.hpp); "durable"
// means that it lives as long as the object. Several stores may stand on one MemoryRows, one after the other: a
// restart.

#include <map>
#include <mutex>

#include "server/stores/directory_engine.hpp"
#include "server/stores/feed_hub.hpp"

namespace melder::server {

using MemoryRows = std::map<std::string, std::string, std::less<>>;

class MemoryDirectoryStore final : public DirectoryStore {
public:
    /// `rows` outlives the store.
    MemoryDirectoryStore(MemoryRows& rows, const StoreEpoch& epoch) : rows_(rows), epoch_(epoch), engine_(epoch) {}

    [[nodiscard]] StoreEpoch epoch() const override { return epoch_; }
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
    /// Runs the operation on the rows and hands its result over.
    template <class T, class Operation>
    void run(const Executor& executor, Done<T> done, Operation operation);

    std::mutex mutex_;
    MemoryRows& rows_;
    StoreEpoch epoch_;
    DirectoryEngine engine_;
    FeedHub hub_;
};

}  // namespace melder::server
