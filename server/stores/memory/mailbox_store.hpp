#pragma once
// Mailboxes in memory: for tests and the simulation. Same rules as on disk, nothing survives the object.

#include <map>
#include <mutex>

#include "server/stores/mailbox_index.hpp"

namespace melder::server {

class MemoryMailboxStore final : public MailboxStore {
public:
    explicit MemoryMailboxStore(const Clock& clock) : clock_(clock) {}

    void summarise(const EnrolmentId& device, Executor executor, SummaryDone done) override;
    void put(std::vector<PutItem> items, Executor executor, PutDone done) override;
    void ack(std::vector<EntryKey> entries, Executor executor, Done done) override;
    void hold(std::vector<EntryKey> entries, Executor executor, Done done) override;
    void mark(std::vector<MarkItem> items, Executor executor, Done done) override;
    void list(const ListQuery& query, Executor executor, ListDone done) override;
    void remove_device(const EnrolmentId& device, Executor executor, Done done) override;
    void sync(Executor executor, Done done) override;

private:
    struct Row {
        EntryState state;
        PutItem item;
    };
    struct Mailbox {
        MailboxIndex index;
        std::map<std::pair<Lane, std::uint64_t>, Row> rows;
    };
    const Clock& clock_;
    std::mutex mutex_;
    std::map<EnrolmentId, Mailbox> mailboxes_;
};

}  // namespace melder::server
