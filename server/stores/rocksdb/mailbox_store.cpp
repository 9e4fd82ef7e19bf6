#include "server/stores/rocksdb/mailbox_store.hpp"

#include <future>

#include "server/stores/rocksdb/key_layout.hpp"
#include "server/stores/rocksdb/mailbox_row.hpp"

namespace melder::server {
namespace {

constexpr std::size_t indexes_kept = 100'000;             ///< mailboxes whose ids stay in memory
constexpr std::uint64_t sequences_per_millisecond = 256;  ///< so that a restart never hands out an old sequence again

}  // namespace

RocksdbMailboxStore::RocksdbMailboxStore(Database& database, const Clock& clock, Random& random)
    : database_(database),
      clock_(clock),
      rows_(database.family(key_layout::mailbox_family)),
      body_rows_(database.family(key_layout::body_family)),
      process_(random.u64()) {}

RocksdbMailboxStore::~RocksdbMailboxStore() {
    // Behind every earlier operation on the lane, then behind every list on the reading thread.
    std::promise<void> all_done;
    database_.commit({nullptr, false, [&](const Result<void>&) { database_.read([&] { all_done.set_value(); }); }});
    all_done.get_future().wait();
}

MailboxIndex* RocksdbMailboxStore::find_index(const EnrolmentId& device) {
    const auto [found, fresh] = indexes_.try_emplace(device);
    auto& index = found->second;
    if (!fresh) return &index;
    index.raise_sequence(static_cast<std::uint64_t>(clock_.wall().ms) * sequences_per_millisecond);
    const std::string prefix = key_layout::mailbox_prefix(device);
    const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator({}, rows_));
    for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
        const auto key = it->key().ToStringView();
        const auto row = MailboxRow::parse(it->value().ToStringView());
        const auto lane =
            key.size() == key_layout::mailbox_key_bytes ? lane_from(static_cast<Byte>(key[16])) : Errc::malformed;
        if (row.has_error() || lane.has_error()) continue;  // listed as damaged, and skipped there too
        const auto sequence = from_big_endian<std::uint64_t>(view(key.substr(18)).first<8>());
        if (row->kind == MailboxRow::Kind::marker) {
            index.load_marker(*lane, sequence);
            continue;
        }
        const auto bytes = static_cast<std::uint32_t>(row->header.size() + row->body_bytes);
        index.load(row->id, {*lane, static_cast<EntryState>(key[17]), sequence, row->hash, row->expires_at,
                             row->stored_at, bytes, 0});
    }
    if (it->status().ok()) return &index;
    // Half an index would take an id twice.
    indexes_.erase(found);
    return nullptr;
}

void RocksdbMailboxStore::bound_memory() {
    while (indexes_.size() > indexes_kept)
        indexes_.erase(indexes_.begin());
}

void RocksdbMailboxStore::forget_index(const EnrolmentId& device) {
    indexes_.erase(device);
}

void RocksdbMailboxStore::summarise(const EnrolmentId& device, Executor executor, SummaryDone done) {
    auto summary = std::make_shared<Result<MailboxSummary>>(Errc::io_error);
    const auto look = [this, device, summary](rocksdb::WriteBatch&) {
        if (const auto* index = find_index(device)) *summary = index->summary();
    };
    database_.commit(
        {look, false, [this, summary, executor = std::move(executor), done = std::move(done)](const Result<void>&) {
             bound_memory();
             executor([summary, done] { done(*summary); });
         }});
}

// ---- put ----------------------------------------------------------------------------------------------------------

void RocksdbMailboxStore::put(std::vector<PutItem> items, Executor executor, PutDone done) {
    struct Operation {
        std::vector<PutItem> items;
        std::vector<PutResult> results;
    };
    auto operation = std::make_shared<Operation>(Operation{std::move(items), {}});
    const auto fill = [this, operation](rocksdb::WriteBatch& batch) {
        for (const auto& item : operation->items)
            operation->results.push_back(put_one(item, batch));
    };
    const auto finish = [this, operation, executor = std::move(executor),
                         done = std::move(done)](const Result<void>& result) {
        if (result.has_error()) {
            const auto outcome = result.error() == Errc::storage_full ? PutOutcome::no_room : PutOutcome::unknown;
            operation->results.assign(operation->items.size(), PutResult{outcome, 0});
            for (const auto& item : operation->items) {
                forget_index(item.device);
                bodies_.erase(item.body->store_key);
                item.body->store_key = 0;
            }
        }
        bound_memory();
        executor([operation, done] { done(std::move(operation->results)); });
    };
    database_.commit({fill, true, finish});
}

PutResult RocksdbMailboxStore::put_one(const PutItem& item, rocksdb::WriteBatch& batch) {
    const UnixTime now = clock_.wall();
    auto* index = find_index(item.device);
    if (index == nullptr) return {PutOutcome::unknown, 0};
    const auto verdict = index->put(item, now);
    for (const auto& [id, entry] : verdict.dropped)
        delete_entry(item.device, entry, batch);
    if (verdict.outcome != PutOutcome::stored) return {verdict.outcome, verdict.sequence};
    MailboxRow row;
    row.expires_at = item.expires_at;
    row.id = item.id;
    row.hash = item.hash;
    row.stored_at = now;
    row.marks = item.marks;
    row.body_key = write_body(item.body, batch);
    row.body_bytes = static_cast<std::uint32_t>(item.body->encoded.size());
    row.header = item.header;
    index->set_body(item.id, item.body->store_key);
    batch.Put(rows_, key_layout::mailbox_key(item.device, item.lane, EntryState::fresh, verdict.sequence),
              row.encode());
    return {verdict.outcome, verdict.sequence};
}

std::string RocksdbMailboxStore::write_body(const BodyPointer& body, rocksdb::WriteBatch& batch) {
    const bool written = body->store_key != 0;
    if (!written) body->store_key = ++last_body_;
    auto& use = bodies_[body->store_key];
    use.body = body;
    ++use.rows;
    std::string key = key_layout::body_key(process_, body->store_key);
    if (!written) batch.Put(body_rows_, key, encode_body(body->expires_at, body->encoded));
    return key;
}

void RocksdbMailboxStore::release_body(std::uint64_t number, rocksdb::WriteBatch& batch) {
    const auto found = bodies_.find(number);
    if (found == bodies_.end() || --found->second.rows > 0) return;
    // A recipient that is still in transit writes it again, under a new key.
    if (const auto body = found->second.body.lock()) body->store_key = 0;
    batch.Delete(body_rows_, key_layout::body_key(process_, number));
    bodies_.erase(found);
}

// ---- ack, mark, remove --------------------------------------------------------------------------------------------

void RocksdbMailboxStore::delete_entry(const EnrolmentId& device, const IndexEntry& entry, rocksdb::WriteBatch& batch) {
    batch.Delete(rows_, key_layout::mailbox_key(device, entry.lane, entry.state, entry.sequence));
    release_body(entry.body, batch);
}

void RocksdbMailboxStore::ack(std::vector<EntryKey> entries, Executor executor, Done done) {
    auto shared = std::make_shared<std::vector<EntryKey>>(std::move(entries));
    const auto fill = [this, shared](rocksdb::WriteBatch& batch) {
        for (const auto& key : *shared) {
            auto* index = find_index(key.device);
            if (index == nullptr) continue;  // it comes again
            if (const auto* found = index->find(key.id, key.lane)) {
                const IndexEntry entry = *found;
                delete_entry(key.device, entry, batch);
                index->erase(key.id);
            } else if (key.sequence != 0) {
                batch.Delete(rows_, key_layout::mailbox_key(key.device, key.lane, EntryState::fresh, key.sequence));
                index->erase_marker(key.lane, key.sequence);
            }
        }
    };
    const auto finish = [this, shared, executor = std::move(executor),
                         done = std::move(done)](const Result<void>& result) {
        if (result.has_error()) {
            for (const auto& key : *shared)
                forget_index(key.device);
        }
        executor([done, result] { done(result); });
    };
    database_.commit({fill, false, finish});
}

void RocksdbMailboxStore::hold(std::vector<EntryKey>, Executor executor, Done done) {
    executor([done = std::move(done)] { done(Errc::unsupported); });
}

void RocksdbMailboxStore::mark(std::vector<MarkItem> items, Executor executor, Done done) {
    auto shared = std::make_shared<std::vector<MarkItem>>(std::move(items));
    const auto fill = [this, shared](rocksdb::WriteBatch& batch) {
        for (const auto& item : *shared)
            mark_one(item, batch);
    };
    const auto finish = [this, shared, executor = std::move(executor),
                         done = std::move(done)](const Result<void>& result) {
        if (result.has_error()) {
            for (const auto& item : *shared)
                forget_index(item.entry.device);
        }
        executor([done, result] { done(result); });
    };
    database_.commit({fill, true, finish});
}

void RocksdbMailboxStore::mark_one(const MarkItem& item, rocksdb::WriteBatch& batch) {
    const EnrolmentId& device = item.entry.device;
    auto* index = find_index(device);
    const auto* found = index != nullptr ? index->find(item.entry.id, item.entry.lane) : nullptr;
    if (found == nullptr) return;
    const auto key = key_layout::mailbox_key(device, found->lane, found->state, found->sequence);
    std::string value;
    if (!database_.db().Get({}, rows_, key, &value).ok()) return;
    auto row = MailboxRow::parse(value);
    if (row.has_error() || row->kind != MailboxRow::Kind::entry) return;
    row->marks = item.marks;
    const std::uint64_t sequence = found->sequence;
    if (item.release && found->state == EntryState::aside) {
        batch.Delete(rows_, key);
        batch.Put(rows_, key_layout::mailbox_key(device, item.entry.lane, EntryState::fresh, sequence), row->encode());
        index->release(item.entry.id);
        return;
    }
    if (!item.move_aside || found->state == EntryState::aside) {
        batch.Put(rows_, key, row->encode());
        return;
    }
    batch.Delete(rows_, key);
    batch.Put(rows_, key_layout::mailbox_key(device, item.entry.lane, EntryState::aside, sequence), row->encode());
    for (const auto& [id, entry] : index->move_aside(item.entry.id))
        delete_entry(device, entry, batch);
}

void RocksdbMailboxStore::remove_device(const EnrolmentId& device, Executor executor, Done done) {
    const auto fill = [this, device](rocksdb::WriteBatch& batch) {
        if (const auto* index = find_index(device)) {
            for (const auto& [id, entry] : index->entries())
                delete_entry(device, entry, batch);
        }
        std::string end = key_layout::mailbox_prefix(device);
        end.append(10, '\xff');  // behind every lane, state and sequence
        batch.DeleteRange(rows_, key_layout::mailbox_prefix(device), end);
        // Empty but known: a scan before this batch is written would find the old rows.
        indexes_[device] = MailboxIndex{};
    };
    const auto finish = [this, device, executor = std::move(executor),
                         done = std::move(done)](const Result<void>& result) {
        forget_index(device);
        executor([done, result] { done(result); });
    };
    database_.commit({fill, true, finish});
}

void RocksdbMailboxStore::sync(Executor executor, Done done) {
    database_.commit(
        {nullptr, true, [executor = std::move(executor), done = std::move(done)](const Result<void>& result) mutable {
             // Moved, not copied: at shutdown `done` holds what must not outlive its loop, and this lane may.
             executor([done = std::move(done), result] { done(result); });
         }});
}

// ---- list ---------------------------------------------------------------------------------------------------------

void RocksdbMailboxStore::list(const ListQuery& query, Executor executor, ListDone done) {
    // Through the lane first, so that every earlier call is visible.
    database_.commit(
        {nullptr, false, [this, query, executor = std::move(executor), done = std::move(done)](const Result<void>&) {
             database_.read([this, query, executor, done] {
                 auto page = std::make_shared<Result<ListPage>>(load_page(query));
                 executor([page, done] { done(std::move(*page)); });
             });
         }});
}

Result<ListPage> RocksdbMailboxStore::load_page(const ListQuery& query) const {
    ListPage page;
    std::size_t bytes = 0;
    const UnixTime now = clock_.wall();
    const std::string prefix = key_layout::mailbox_prefix(query.device, query.lane, query.state);
    // The seek starts at the head that the drain has come to: deleted keys in front of it cost nothing.
    const std::string from = key_layout::mailbox_key(query.device, query.lane, query.state, query.after + 1);
    const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator({}, rows_));
    for (it->Seek(from); it->Valid() && it->key().starts_with(prefix); it->Next()) {
        if (page.entries.size() >= query.limit || bytes >= query.limit_bytes) {
            page.more = true;
            return page;
        }
        MELDER_TRY(auto row, MailboxRow::parse(it->value().ToStringView()));
        ListedEntry entry;
        entry.sequence = from_big_endian<std::uint64_t>(view(it->key().ToStringView().substr(18)).first<8>());
        entry.expires_at = row.expires_at;
        entry.state = query.state;
        entry.id = row.id;
        std::string body;
        bool readable = row.kind == MailboxRow::Kind::entry && row.expires_at > now;
        if (readable) {
            const auto status = database_.db().Get({}, body_rows_, row.body_key, &body);
            if (!status.ok() && !status.IsNotFound()) return Database::result_of(status).error();
            readable = status.ok() && body_expiry(body).has_value();
        }
        if (readable) {
            entry.hash = row.hash;
            entry.marks = row.marks;
            entry.header = std::move(row.header);
            entry.body = std::make_shared<SharedBody>(std::string(body_of(body)), row.expires_at);
            bytes += body.size() + entry.header.size();
        } else {
            entry.state = EntryState::expired;
        }
        page.entries.push_back(std::move(entry));
    }
    MELDER_CHECK(Database::result_of(it->status()));
    return page;
}

}  // namespace melder::server
