#include "server/stores/memory/mailbox_store.hpp"

namespace melder::server {

void MemoryMailboxStore::summarise(const EnrolmentId& device, Executor executor, SummaryDone done) {
    MailboxSummary summary;
    {
        const std::lock_guard lock(mutex_);
        summary = mailboxes_[device].index.summary();
    }
    executor([summary, done = std::move(done)] { done(summary); });
}

void MemoryMailboxStore::put(std::vector<PutItem> items, Executor executor, PutDone done) {
    std::vector<PutResult> results;
    std::unique_lock lock(mutex_);
    for (auto& item : items) {
        auto& mailbox = mailboxes_[item.device];
        const auto verdict = mailbox.index.put(item, clock_.wall());
        for (const auto& [id, entry] : verdict.dropped)
            mailbox.rows.erase({entry.lane, entry.sequence});
        results.push_back({verdict.outcome, verdict.sequence});
        if (verdict.outcome != PutOutcome::stored) continue;
        auto& row = mailbox.rows[{item.lane, verdict.sequence}];
        row = {EntryState::fresh, std::move(item)};
    }
    lock.unlock();
    executor([results = std::move(results), done = std::move(done)] { done(results); });
}

void MemoryMailboxStore::ack(std::vector<EntryKey> entries, Executor executor, Done done) {
    std::unique_lock lock(mutex_);
    for (const auto& key : entries) {
        auto& mailbox = mailboxes_[key.device];
        if (const auto* entry = mailbox.index.find(key.id, key.lane)) {
            mailbox.rows.erase({entry->lane, entry->sequence});
            mailbox.index.erase(key.id);
        } else if (key.sequence != 0) {
            mailbox.rows.erase({key.lane, key.sequence});
            mailbox.index.erase_marker(key.lane, key.sequence);
        }
    }
    lock.unlock();
    executor([done = std::move(done)] { done(ok()); });
}

void MemoryMailboxStore::hold(std::vector<EntryKey>, Executor executor, Done done) {
    executor([done = std::move(done)] { done(Errc::unsupported); });
}

void MemoryMailboxStore::mark(std::vector<MarkItem> items, Executor executor, Done done) {
    std::unique_lock lock(mutex_);
    for (const auto& item : items) {
        auto& mailbox = mailboxes_[item.entry.device];
        const auto* entry = mailbox.index.find(item.entry.id, item.entry.lane);
        if (entry == nullptr) continue;
        auto& row = mailbox.rows.at({entry->lane, entry->sequence});
        row.item.marks = item.marks;
        if (item.release && mailbox.index.release(item.entry.id)) row.state = EntryState::fresh;
        if (!item.move_aside) continue;
        row.state = EntryState::aside;
        for (const auto& [id, dropped] : mailbox.index.move_aside(item.entry.id)) {
            mailbox.rows.erase({dropped.lane, dropped.sequence});
        }
    }
    lock.unlock();
    executor([done = std::move(done)] { done(ok()); });
}

void MemoryMailboxStore::list(const ListQuery& query, Executor executor, ListDone done) {
    ListPage page;
    std::size_t bytes = 0;
    std::unique_lock lock(mutex_);
    const auto& rows = mailboxes_[query.device].rows;
    for (auto it = rows.upper_bound({query.lane, query.after}); it != rows.end() && it->first.first == query.lane;
         ++it) {
        const auto& [state, item] = it->second;
        if (state != query.state) continue;
        if (page.entries.size() >= query.limit || bytes >= query.limit_bytes) {
            page.more = true;
            break;
        }
        ListedEntry entry{it->first.second, item.id,     item.hash, item.expires_at, state,
                          item.marks,       item.header, item.body};
        if (item.expires_at <= clock_.wall()) {
            entry.state = EntryState::expired;
            entry.header.clear();
            entry.body.reset();
        } else {
            bytes += item.body->encoded.size() + item.header.size();
        }
        page.entries.push_back(std::move(entry));
    }
    lock.unlock();
    executor([page = std::move(page), done = std::move(done)] { done(page); });
}

void MemoryMailboxStore::remove_device(const EnrolmentId& device, Executor executor, Done done) {
    {
        const std::lock_guard lock(mutex_);
        mailboxes_.erase(device);
    }
    executor([done = std::move(done)] { done(ok()); });
}

void MemoryMailboxStore::sync(Executor executor, Done done) {
    executor([done = std::move(done)] { done(ok()); });
}

}  // namespace melder::server
