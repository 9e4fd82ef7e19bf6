#include "server/stores/rocksdb/directory_store.hpp"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include <rocksdb/utilities/write_batch_with_index.h>

#include "server/stores/directory_engine.hpp"
#include "server/stores/feed_hub.hpp"
#include "server/stores/rocksdb/key_layout.hpp"

namespace melder::server {
namespace {

constexpr std::size_t operations_per_batch = 256;

/// The family with what this round wrote on top.
class BatchTable final : public DirectoryTable {
public:
    BatchTable(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) : db_(db), family_(family) {}

    std::optional<std::string> get(const std::string& key) override {
        std::string value;
        const auto status = batch_.GetFromBatchAndDB(&db_, rocksdb::ReadOptions(), family_, key, &value);
        if (status.IsNotFound()) return std::nullopt;
        if (!note(status)) return std::nullopt;
        return value;
    }
    void put(const std::string& key, std::string value) override { note(batch_.Put(family_, key, value)); }
    void erase(const std::string& key) override { note(batch_.Delete(family_, key)); }
    void scan(const std::string& prefix, const std::string& from,
              const std::function<bool(std::string_view, std::string_view)>& visit) override {
        const std::unique_ptr<rocksdb::Iterator> rows(
            batch_.NewIteratorWithBase(family_, db_.NewIterator(rocksdb::ReadOptions(), family_)));
        for (rows->Seek(from); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
            if (!visit(rows->key().ToStringView(), rows->value().ToStringView())) return;
        }
        note(rows->status());
    }
    Result<void> health() const override { return health_; }

    [[nodiscard]] bool wrote() { return batch_.GetWriteBatch()->Count() > 0; }
    [[nodiscard]] rocksdb::WriteBatch batch() { return *batch_.GetWriteBatch(); }

private:
    bool note(const rocksdb::Status& status) {
        if (status.ok()) return true;
        if (!health_.has_error()) health_ = Database::result_of(status);
        return false;
    }

    rocksdb::DB& db_;
    rocksdb::ColumnFamilyHandle* family_;
    rocksdb::WriteBatchWithIndex batch_{rocksdb::BytewiseComparator(), 0, true};
    Result<void> health_ = ok();
};

}  // namespace

class RocksDirectoryStore::Impl {
public:
    explicit Impl(Database& database)
        : database_(database),
          family_(database.family(key_layout::directory_family)),
          engine_(database.epoch()),
          thread_([this] { work(); }) {}

    ~Impl() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    /// One operation: runs over the batch, is answered after the commit (with the commit's error, if it failed).
    struct Operation {
        std::function<void(DirectoryTable&)> run;
        std::function<void(const Result<void>& committed)> answer;
    };
    void enqueue(Operation operation) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(operation));
        }
        wake_.notify_one();
    }

    template <class T, class Run>
    void call(Executor executor, Done<T> done, Run run) {
        auto result = std::make_shared<std::optional<Result<T>>>();
        enqueue({[result, run = std::move(run)](DirectoryTable& table) mutable { result->emplace(run(table)); },
                 [result, executor = std::move(executor), done = std::move(done)](const Result<void>& committed) {
                     auto answer = std::move(**result);
                     if (answer.has_value() && committed.has_error()) answer = committed.error();
                     executor([done, answer = std::move(answer)]() mutable { done(std::move(answer)); });
                 }});
    }

    [[nodiscard]] Database& database() { return database_; }
    [[nodiscard]] const DirectoryEngine& engine() const { return engine_; }
    [[nodiscard]] FeedHub& hub() { return hub_; }

private:
    void work() {
        for (;;) {
            std::vector<Operation> round;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
                if (waiting_.empty()) return;
                while (!waiting_.empty() && round.size() < operations_per_batch) {
                    round.push_back(std::move(waiting_.front()));
                    waiting_.pop_front();
                }
            }
            carry_out(round);
        }
    }

    void carry_out(std::vector<Operation>& round) {
        BatchTable table(database_.db(), family_);
        for (auto& operation : round)
            operation.run(table);
        auto committed = table.health();
        if (!committed.has_error() && table.wrote()) committed = commit(table.batch());
        for (auto& operation : round)
            operation.answer(committed);
    }

    Result<void> commit(rocksdb::WriteBatch batch) {
        std::promise<Result<void>> promise;
        auto future = promise.get_future();
        database_.commit(
            std::move(batch), true, [](std::function<void()> work) { work(); },
            [&promise](Result<void> result) { promise.set_value(std::move(result)); });
        return future.get();
    }

    Database& database_;
    rocksdb::ColumnFamilyHandle* family_;
    DirectoryEngine engine_;
    FeedHub hub_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Operation> waiting_;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

RocksDirectoryStore::RocksDirectoryStore(Database& database) : impl_(std::make_unique<Impl>(database)) {}
RocksDirectoryStore::~RocksDirectoryStore() = default;

StoreEpoch RocksDirectoryStore::epoch() const {
    return impl_->database().epoch();
}

void RocksDirectoryStore::load_head(Executor executor, Done<DirectoryHead> done) {
    impl_->call<DirectoryHead>(std::move(executor), std::move(done),
                               [this](DirectoryTable& table) { return impl_->engine().load_head(table); });
}

void RocksDirectoryStore::commit(DirectoryChange change, Executor executor, Done<Cursor> done) {
    auto result = std::make_shared<Result<FeedBatch>>(Errc::internal);
    impl_->enqueue(
        {[this, result, change = std::move(change)](DirectoryTable& table) mutable {
             *result = impl_->engine().commit(table, std::move(change));
         },
         [this, result, executor = std::move(executor), done = std::move(done)](const Result<void>& committed) {
             Result<Cursor> answer = Errc::internal;
             if (result->has_error()) {
                 answer = result->error();
             } else if (committed.has_error()) {
                 answer = committed.error();
             } else {
                 answer = (*result)->cursor;
                 impl_->hub().publish(std::make_shared<const FeedBatch>(std::move(**result)));
             }
             executor([done, answer = std::move(answer)]() mutable { done(std::move(answer)); });
         }});
}

void RocksDirectoryStore::load_devices(std::vector<EnrolmentId> ids, Executor executor,
                                       Done<std::vector<std::optional<DeviceRow>>> done) {
    impl_->call<std::vector<std::optional<DeviceRow>>>(
        std::move(executor), std::move(done),
        [this, ids = std::move(ids)](DirectoryTable& table) { return impl_->engine().load_devices(table, ids); });
}

void RocksDirectoryStore::list_devices(std::optional<EnrolmentId> after, std::optional<OfficerId> officer,
                                       std::size_t limit, Executor executor, Done<std::vector<DeviceRow>> done) {
    impl_->call<std::vector<DeviceRow>>(std::move(executor), std::move(done), [=, this](DirectoryTable& table) {
        return impl_->engine().list_devices(table, after, officer, limit);
    });
}

void RocksDirectoryStore::list_officers(std::optional<OfficerId> after, std::size_t limit, Executor executor,
                                        Done<std::vector<OfficerRow>> done) {
    impl_->call<std::vector<OfficerRow>>(std::move(executor), std::move(done), [=, this](DirectoryTable& table) {
        return impl_->engine().list_officers(table, after, limit);
    });
}

void RocksDirectoryStore::list_units(std::size_t limit, Executor executor, Done<std::vector<UnitRow>> done) {
    impl_->call<std::vector<UnitRow>>(std::move(executor), std::move(done), [=, this](DirectoryTable& table) {
        return impl_->engine().list_units(table, limit);
    });
}

void RocksDirectoryStore::find_officer(Hash number_key, Executor executor, Done<std::optional<OfficerId>> done) {
    impl_->call<std::optional<OfficerId>>(std::move(executor), std::move(done), [=, this](DirectoryTable& table) {
        return impl_->engine().find_officer(table, number_key);
    });
}

void RocksDirectoryStore::load_log(std::uint64_t from, std::size_t limit, Executor executor,
                                   Done<std::vector<Bytes>> done) {
    impl_->call<std::vector<Bytes>>(std::move(executor), std::move(done), [=, this](DirectoryTable& table) {
        return impl_->engine().load_log(table, from, limit);
    });
}

void RocksDirectoryStore::load_receipt(EnrolmentId device, Hash order, Executor executor,
                                       Done<std::optional<Bytes>> done) {
    impl_->call<std::optional<Bytes>>(std::move(executor), std::move(done), [=, this](DirectoryTable& table) {
        return impl_->engine().load_receipt(table, device, order);
    });
}

void RocksDirectoryStore::note_logins(std::vector<LoginRow> rows, Executor executor, Done<void> done) {
    impl_->call<void>(std::move(executor), std::move(done), [this, rows = std::move(rows)](DirectoryTable& table) {
        return impl_->engine().note_logins(table, rows);
    });
}

void RocksDirectoryStore::load_login(EnrolmentId device, Executor executor, Done<std::optional<LoginRow>> done) {
    impl_->call<std::optional<LoginRow>>(std::move(executor), std::move(done), [=, this](DirectoryTable& table) {
        return impl_->engine().load_login(table, device);
    });
}

void RocksDirectoryStore::put_prekeys(PrekeyPut put, Executor executor, Done<std::uint32_t> done) {
    impl_->call<std::uint32_t>(
        std::move(executor), std::move(done),
        [this, put = std::move(put)](DirectoryTable& table) { return impl_->engine().put_prekeys(table, put); });
}

void RocksDirectoryStore::take_prekeys(std::vector<TakeItem> items, std::uint32_t reserve, Executor executor,
                                       Done<std::vector<TakeResult>> done) {
    impl_->call<std::vector<TakeResult>>(std::move(executor), std::move(done),
                                         [this, items = std::move(items), reserve](DirectoryTable& table) {
                                             return impl_->engine().take_prekeys(table, items, reserve);
                                         });
}

void RocksDirectoryStore::load_prekeys(EnrolmentId device, Executor executor, Done<PrekeyStock> done) {
    impl_->call<PrekeyStock>(std::move(executor), std::move(done),
                             [=, this](DirectoryTable& table) { return impl_->engine().load_prekeys(table, device); });
}

void RocksDirectoryStore::remove_prekeys(std::vector<EnrolmentId> devices, Executor executor, Done<void> done) {
    impl_->call<void>(std::move(executor), std::move(done),
                      [this, devices = std::move(devices)](DirectoryTable& table) {
                          return impl_->engine().remove_prekeys(table, devices);
                      });
}

std::shared_ptr<void> RocksDirectoryStore::watch(Cursor cursor, Executor executor, FeedHandler handler) {
    std::uint64_t id = 0;
    auto token = impl_->hub().add(std::move(executor), std::move(handler), id);
    // Commits of the same round are in what was missed, and published again behind it: harmless by the feed's contract.
    // If the round failed, the watcher is never started; its view grows old and refuses, which is what a failing disk
    // deserves.
    auto missed = std::make_shared<Result<std::vector<std::shared_ptr<const FeedBatch>>>>(Errc::internal);
    impl_->enqueue(
        {[this, missed, cursor](DirectoryTable& table) { *missed = impl_->engine().changes_since(table, cursor); },
         [this, missed, id](const Result<void>& committed) {
             if (missed->has_value() && !committed.has_error()) impl_->hub().start(id, **missed);
         }});
    return token;
}

void RocksDirectoryStore::publish_statement(Bytes statement) {
    auto batch = std::make_shared<FeedBatch>();
    batch->statement = std::move(statement);
    batch->caught_up = true;
    impl_->enqueue({[this, batch](DirectoryTable& table) {
                        const auto head = impl_->engine().load_head(table);
                        if (head.has_value()) batch->cursor = head->cursor;
                    },
                    [this, batch](const Result<void>& committed) {
                        if (!committed.has_error()) impl_->hub().publish(batch);
                    }});
}

}  // namespace melder::server
