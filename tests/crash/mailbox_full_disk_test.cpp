// A disk that is full or fails in the middle of the work.

#include <atomic>

#include <gtest/gtest.h>

#include "tests/crash/full_disk_env.hpp"
#include "tests/crash/mailbox_on_disk.hpp"

namespace melder::server::test {
namespace {

TEST(MailboxFullDisk, is_told_to_the_caller_loses_nothing_and_the_store_goes_on_when_there_is_room_again) {
    const Folder folder("melder-full-");
    DiskTrouble trouble;
    TroubledEnv env(trouble);
    {
        OpenMailboxes open(folder.root, &env);
        for (std::uint32_t n = 0; n < 10; ++n)
            ASSERT_EQ(open.put(n), PutOutcome::stored);
        trouble.full = true;
        EXPECT_EQ(open.put(10), PutOutcome::no_room);
        EXPECT_EQ(open.put(11), PutOutcome::no_room) << "and again, though RocksDB has stopped by itself now";
        EXPECT_GT(trouble.refused, 0);
        trouble.full = false;
        EXPECT_EQ(open.put(11), PutOutcome::stored);
        EXPECT_EQ(open.put(12), PutOutcome::stored);
        trouble.full = true;
        EXPECT_EQ(open.put(13), PutOutcome::no_room) << "and so it is closed";
    }
    trouble.full = false;
    OpenMailboxes open(folder.root, &env);
    const auto waiting = open.waiting();
    for (std::uint32_t n = 0; n < 10; ++n)
        EXPECT_EQ(waiting.at(envelope_id(n)), body_text(n));
    EXPECT_FALSE(waiting.contains(envelope_id(10))) << "it was refused";
    EXPECT_EQ(waiting.at(envelope_id(11)), body_text(11));
    EXPECT_EQ(waiting.at(envelope_id(12)), body_text(12));
}

TEST(MailboxFullDisk, a_failed_sync_acknowledges_nothing_until_a_restart_has_read_what_is_there) {
    const Folder folder("melder-sync-");
    DiskTrouble trouble;
    TroubledEnv env(trouble);
    {
        OpenMailboxes open(folder.root, &env);
        ASSERT_EQ(open.put(1), PutOutcome::stored);
        trouble.sync_fails = true;
        EXPECT_EQ(open.put(2), PutOutcome::unknown);
        trouble.sync_fails = false;
        EXPECT_EQ(open.put(2), PutOutcome::unknown) << "a sync that succeeds now says nothing about the bytes before";
    }
    OpenMailboxes open(folder.root, &env);
    const auto again = open.put(2);
    EXPECT_TRUE(again == PutOutcome::stored || again == PutOutcome::duplicate) << static_cast<int>(again);
    const auto waiting = open.waiting();
    EXPECT_EQ(waiting.size(), 2U);
    EXPECT_EQ(waiting.at(envelope_id(1)), body_text(1));
    EXPECT_EQ(waiting.at(envelope_id(2)), body_text(2));
}

TEST(MailboxSync, all_that_waits_shares_one_sync_and_acks_ride_the_next) {
    const Folder folder("melder-group-");
    DiskTrouble trouble;
    TroubledEnv env(trouble);
    OpenMailboxes open(folder.root, &env);
    ASSERT_EQ(open.put(0), PutOutcome::stored);
    // The lane is busy with something else while sixty-four puts arrive.
    std::promise<void> go_on;
    open.database->commit({[&](rocksdb::WriteBatch&) { go_on.get_future().wait(); }, false, nullptr});
    std::promise<void> all;
    std::atomic<int> stored = 0;
    for (std::uint32_t n = 1; n <= 64; ++n) {
        open.store.put({OpenMailboxes::item(n)}, OpenMailboxes::here(), [&](const std::vector<PutResult>& results) {
            if (results.front().outcome == PutOutcome::stored && ++stored == 64) all.set_value();
        });
    }
    const int before = trouble.syncs;
    go_on.set_value();
    all.get_future().get();
    EXPECT_GE(trouble.syncs - before, 1) << "acknowledged without a sync";
    EXPECT_LE(trouble.syncs - before, 2);

    const int synced = trouble.syncs;
    std::promise<void> acked;
    open.store.ack({{OpenMailboxes::device(), Lane::normal, envelope_id(1)}}, OpenMailboxes::here(),
                   [&](const Result<void>&) { acked.set_value(); });
    acked.get_future().get();
    EXPECT_EQ(trouble.syncs, synced) << "an ack that a crash undoes is only a repetition";
}

}  // namespace
}  // namespace melder::server::test
