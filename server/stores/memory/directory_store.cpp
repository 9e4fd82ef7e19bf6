#include "server/stores/memory/directory_store.hpp"

namespace melder::server {
namespace {

class MemoryTable final : public DirectoryTable {
public:
    explicit MemoryTable(MemoryRows& rows) : rows_(rows) {}
    std::optional<std::string> get(const std::string& key) override {
        const auto found = rows_.find(key);
        if (found == rows_.end()) return std::nullopt;
        return found->second;
    }
    void put(const std::string& key, std::string value) override { rows_.insert_or_assign(key, std::move(value)); }
    void erase(const std::string& key) override { rows_.erase(key); }
    void scan(const std::string& prefix, const std::string& from,
              const std::function<bool(std::string_view, std::string_view)>& visit) override {
        for (auto row = rows_.lower_bound(from); row != rows_.end() && row->first.starts_with(prefix); ++row) {
            if (!visit(row->first, row->second)) return;
        }
    }
    Result<void> health() const override { return ok(); }

private:
    MemoryRows& rows_;
};

}  // namespace

template <class T, class Operation>
void MemoryDirectoryStore::run(const Executor& executor, Done<T> done, Operation operation) {
    std::optional<Result<T>> result;
    {
        const std::lock_guard lock(mutex_);
        MemoryTable table(rows_);
        result.emplace(operation(table));
    }
    executor([done = std::move(done), result = std::move(*result)]() mutable { done(std::move(result)); });
}

void MemoryDirectoryStore::load_head(Executor executor, Done<DirectoryHead> done) {
    run<DirectoryHead>(executor, std::move(done), [&](auto& table) { return engine_.load_head(table); });
}

void MemoryDirectoryStore::commit(DirectoryChange change, Executor executor, Done<Cursor> done) {
    run<Cursor>(executor, std::move(done), [&](auto& table) -> Result<Cursor> {
        MELDER_TRY(auto batch, engine_.commit(table, std::move(change)));
        const auto cursor = batch.cursor;
        hub_.publish(std::make_shared<const FeedBatch>(std::move(batch)));
        return cursor;
    });
}

void MemoryDirectoryStore::load_devices(std::vector<EnrolmentId> ids, Executor executor,
                                        Done<std::vector<std::optional<DeviceRow>>> done) {
    run<std::vector<std::optional<DeviceRow>>>(executor, std::move(done),
                                               [&](auto& table) { return engine_.load_devices(table, ids); });
}

void MemoryDirectoryStore::list_devices(std::optional<EnrolmentId> after, std::optional<OfficerId> officer,
                                        std::size_t limit, Executor executor, Done<std::vector<DeviceRow>> done) {
    run<std::vector<DeviceRow>>(executor, std::move(done),
                                [&](auto& table) { return engine_.list_devices(table, after, officer, limit); });
}

void MemoryDirectoryStore::list_officers(std::optional<OfficerId> after, std::size_t limit, Executor executor,
                                         Done<std::vector<OfficerRow>> done) {
    run<std::vector<OfficerRow>>(executor, std::move(done),
                                 [&](auto& table) { return engine_.list_officers(table, after, limit); });
}

void MemoryDirectoryStore::list_units(std::size_t limit, Executor executor, Done<std::vector<UnitRow>> done) {
    run<std::vector<UnitRow>>(executor, std::move(done), [&](auto& table) { return engine_.list_units(table, limit); });
}

void MemoryDirectoryStore::find_officer(Hash number_key, Executor executor, Done<std::optional<OfficerId>> done) {
    run<std::optional<OfficerId>>(executor, std::move(done),
                                  [&](auto& table) { return engine_.find_officer(table, number_key); });
}

void MemoryDirectoryStore::load_log(std::uint64_t from, std::size_t limit, Executor executor,
                                    Done<std::vector<Bytes>> done) {
    run<std::vector<Bytes>>(executor, std::move(done),
                            [&](auto& table) { return engine_.load_log(table, from, limit); });
}

void MemoryDirectoryStore::load_receipt(EnrolmentId device, Hash order, Executor executor,
                                        Done<std::optional<Bytes>> done) {
    run<std::optional<Bytes>>(executor, std::move(done),
                              [&](auto& table) { return engine_.load_receipt(table, device, order); });
}

void MemoryDirectoryStore::note_logins(std::vector<LoginRow> rows, Executor executor, Done<void> done) {
    run<void>(executor, std::move(done), [&](auto& table) { return engine_.note_logins(table, rows); });
}

void MemoryDirectoryStore::load_login(EnrolmentId device, Executor executor, Done<std::optional<LoginRow>> done) {
    run<std::optional<LoginRow>>(executor, std::move(done),
                                 [&](auto& table) { return engine_.load_login(table, device); });
}

void MemoryDirectoryStore::put_prekeys(PrekeyPut put, Executor executor, Done<std::uint32_t> done) {
    run<std::uint32_t>(executor, std::move(done), [&](auto& table) { return engine_.put_prekeys(table, put); });
}

void MemoryDirectoryStore::take_prekeys(std::vector<TakeItem> items, std::uint32_t reserve, Executor executor,
                                        Done<std::vector<TakeResult>> done) {
    run<std::vector<TakeResult>>(executor, std::move(done),
                                 [&](auto& table) { return engine_.take_prekeys(table, items, reserve); });
}

void MemoryDirectoryStore::load_prekeys(EnrolmentId device, Executor executor, Done<PrekeyStock> done) {
    run<PrekeyStock>(executor, std::move(done), [&](auto& table) { return engine_.load_prekeys(table, device); });
}

void MemoryDirectoryStore::remove_prekeys(std::vector<EnrolmentId> devices, Executor executor, Done<void> done) {
    run<void>(executor, std::move(done), [&](auto& table) { return engine_.remove_prekeys(table, devices); });
}

std::shared_ptr<void> MemoryDirectoryStore::watch(Cursor cursor, Executor executor, FeedHandler handler) {
    std::uint64_t id = 0;
    auto token = hub_.add(std::move(executor), std::move(handler), id);
    const std::lock_guard lock(mutex_);
    MemoryTable table(rows_);
    const auto missed = engine_.changes_since(table, cursor);
    if (missed.has_value()) hub_.start(id, *missed);
    return token;
}

void MemoryDirectoryStore::publish_statement(Bytes statement) {
    auto batch = std::make_shared<FeedBatch>();
    const std::lock_guard lock(mutex_);
    MemoryTable table(rows_);
    const auto head = engine_.load_head(table);
    if (head.has_value()) batch->cursor = head->cursor;
    batch->statement = std::move(statement);
    batch->caught_up = true;
    hub_.publish(batch);
}

}  // namespace melder::server
