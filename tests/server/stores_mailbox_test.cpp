// One suite for every MailboxStore, and what only the store on disk must survive.

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>

#include <gtest/gtest.h>

#include "core/endian.hpp"
#include "server/stores/memory/mailbox_store.hpp"
#include "server/stores/rocksdb/key_layout.hpp"
#include "server/stores/rocksdb/mailbox_store.hpp"

namespace melder::server {
namespace {

struct Disk {
    std::filesystem::path root =
        std::filesystem::temp_directory_path() / ("melder_mailbox_" + std::to_string(::getpid()));
    Disk() { std::filesystem::remove_all(root); }
    ~Disk() { std::filesystem::remove_all(root); }
    DatabaseConfig config() const { return {(root / "store").string(), (root / "epoch").string(), false, nullptr}; }
};

class AnyStore : public ::testing::TestWithParam<bool> {
public:
    AnyStore() {
        if (!GetParam()) {
            store = std::make_unique<MemoryMailboxStore>(clock);
            return;
        }
        database = Database::open(disk.config(), clock, random).value();
        store = std::make_unique<RocksdbMailboxStore>(*database, clock, random);
    }
    static Executor here() {
        return [](auto work) { work(); };
    }
    PutItem item(std::uint32_t n, Lane lane = Lane::normal) {
        ByteArray<16> id{};
        std::ranges::copy(big_endian(n), id.begin());
        ByteArray<32> hash{};
        std::ranges::copy(big_endian(n), hash.begin());
        const auto expires_at = clock.wall() + limits::ttl_default;
        return {device,
                lane,
                EnvelopeId(id),
                Hash(hash),
                expires_at,
                "header",
                std::make_shared<SharedBody>("body", expires_at),
                {}};
    }
    std::vector<PutResult> put(std::vector<PutItem> items) {
        std::promise<std::vector<PutResult>> done;
        store->put(std::move(items), here(),
                   [&](std::vector<PutResult> results) { done.set_value(std::move(results)); });
        return done.get_future().get();
    }
    ListPage list(EntryState state = EntryState::fresh, std::size_t limit = 64, std::uint64_t after = 0) {
        std::promise<ListPage> done;
        store->list({device, Lane::normal, state, after, limit, 1 << 20}, here(),
                    [&](Result<ListPage> page) { done.set_value(*page); });
        return done.get_future().get();
    }
    void ack(EntryKey key) {
        std::promise<void> done;
        store->ack({key}, here(), [&](const Result<void>&) { done.set_value(); });
        done.get_future().get();
    }
    void reopen() {
        store.reset();
        database.reset();
        database = Database::open(disk.config(), clock, random).value();
        store = std::make_unique<RocksdbMailboxStore>(*database, clock, random);
    }
    void compact() {
        rocksdb::CompactRangeOptions options;
        options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
        for (const auto family : {key_layout::mailbox_family, key_layout::body_family}) {
            ASSERT_TRUE(database->db().Flush({}, database->family(family)).ok());
            ASSERT_TRUE(database->db().CompactRange(options, database->family(family), nullptr, nullptr).ok());
        }
    }
    int rows(std::string_view family) {
        int count = 0;
        const std::unique_ptr<rocksdb::Iterator> it(database->db().NewIterator({}, database->family(family)));
        for (it->SeekToFirst(); it->Valid(); it->Next())
            ++count;
        return count;
    }
    Disk disk;
    ManualClock clock;
    SeededRandom random{1};
    EnrolmentId device{ByteArray<16>{9}};
    std::unique_ptr<Database> database;  // outlives the store
    std::unique_ptr<MailboxStore> store;
};

TEST_P(AnyStore, the_same_id_is_a_duplicate_or_a_conflict) {
    const auto first = item(1);
    auto other = first;
    other.hash = item(2).hash;
    const auto results = put({first, first, other});
    EXPECT_EQ(results[0].outcome, PutOutcome::stored);
    EXPECT_EQ(results[1].outcome, PutOutcome::duplicate);
    EXPECT_EQ(results[1].sequence, results[0].sequence);
    EXPECT_EQ(results[2].outcome, PutOutcome::conflict);
}

TEST_P(AnyStore, pages_come_by_sequence_and_acked_entries_are_gone) {
    put({item(1), item(2), item(3)});
    auto page = list(EntryState::fresh, 2);
    ASSERT_EQ(page.entries.size(), 2u);
    EXPECT_TRUE(page.more);
    EXPECT_EQ(page.entries[0].id, item(1).id);
    EXPECT_EQ(page.entries[0].body->encoded, "body");
    ack({device, Lane::normal, item(1).id});
    page = list();
    ASSERT_EQ(page.entries.size(), 2u);
    EXPECT_EQ(page.entries[0].id, item(2).id);
}

TEST_P(AnyStore, what_expired_is_listed_as_a_marker_without_a_body) {
    put({item(1)});
    clock.advance(limits::ttl_default);
    const auto page = list();
    ASSERT_EQ(page.entries.size(), 1u);
    EXPECT_EQ(page.entries[0].state, EntryState::expired);
    EXPECT_EQ(page.entries[0].body, nullptr);
    ack({device, Lane::normal, page.entries[0].id, page.entries[0].sequence});
    EXPECT_TRUE(list().entries.empty());
}

TEST_P(AnyStore, aside_keeps_the_newest_hundred) {
    for (std::uint32_t n = 0; n < 101; ++n) {
        put({item(n)});
        store->mark({{{device, Lane::normal, item(n).id}, {3, 90, {}}, true}}, here(), [](const Result<void>&) {});
    }
    const auto aside = list(EntryState::aside, 200);
    EXPECT_EQ(aside.entries.size(), limits::aside_envelopes);
    EXPECT_EQ(aside.entries.front().id, item(1).id);
}

TEST_P(AnyStore, what_is_released_from_aside_waits_at_its_old_place_with_its_refusals_forgotten) {
    for (std::uint32_t n = 0; n < 3; ++n)
        put({item(n)});
    const EntryKey first{device, Lane::normal, item(0).id};
    store->mark({{first, {3, 90, {}}, true}}, here(), [](const Result<void>&) {});
    ASSERT_EQ(list(EntryState::aside).entries.size(), 1u);
    ASSERT_EQ(list().entries.size(), 2u);
    store->mark({{first, {}, false, true}}, here(), [](const Result<void>&) {});
    EXPECT_TRUE(list(EntryState::aside).entries.empty());
    const auto page = list();
    ASSERT_EQ(page.entries.size(), 3u);
    EXPECT_EQ(page.entries[0].id, item(0).id);
    EXPECT_EQ(page.entries[0].marks.refusals, 0);
    EXPECT_NE(page.entries[0].body, nullptr);
    // What is not aside is left where it is.
    store->mark({{{device, Lane::normal, item(1).id}, {}, false, true}}, here(), [](const Result<void>&) {});
    EXPECT_EQ(list().entries.size(), 3u);
    ack(first);
    EXPECT_EQ(list().entries.size(), 2u);
}

TEST_P(AnyStore, a_full_lane_refuses_its_own_and_the_receipt_lane_drops_its_oldest) {
    const auto fill = [this](Lane lane, std::uint32_t first) {
        for (std::uint32_t n = 0; n < limits::lane_envelopes; n += 250) {
            std::vector<PutItem> items;
            for (std::uint32_t i = 0; i < 250; ++i)
                items.push_back(item(first + n + i, lane));
            for (const auto& result : put(std::move(items)))
                ASSERT_EQ(result.outcome, PutOutcome::stored);
        }
    };
    fill(Lane::normal, 0);
    EXPECT_EQ(put({item(5000)}).front().outcome, PutOutcome::quota);
    EXPECT_EQ(put({item(5001, Lane::urgent)}).front().outcome, PutOutcome::stored) << "another lane is not concerned";
    EXPECT_EQ(put({item(0)}).front().outcome, PutOutcome::duplicate) << "a repeat needs no room";
    fill(Lane::receipt, 10'000);
    EXPECT_EQ(put({item(20'000, Lane::receipt)}).front().outcome, PutOutcome::stored);
    std::promise<ListPage> done;
    store->list({device, Lane::receipt, EntryState::fresh, 0, 2000, std::size_t{1} << 30}, here(),
                [&](Result<ListPage> page) { done.set_value(std::move(*page)); });
    const auto page = done.get_future().get();
    EXPECT_EQ(page.entries.size(), limits::lane_envelopes);
    EXPECT_EQ(page.entries.front().id, item(10'001).id);
    EXPECT_EQ(page.entries.back().id, item(20'000).id);
}

TEST_P(AnyStore, a_removed_device_keeps_nothing_and_starts_anew) {
    put({item(1), item(2, Lane::urgent)});
    store->mark({{{device, Lane::normal, item(1).id}, {3, 90, {}}, true}}, here(), [](const Result<void>&) {});
    std::promise<void> removed;
    store->remove_device(device, here(), [&](const Result<void>&) { removed.set_value(); });
    removed.get_future().get();
    EXPECT_TRUE(list().entries.empty());
    EXPECT_TRUE(list(EntryState::aside).entries.empty());
    EXPECT_EQ(put({item(1)}).front().outcome, PutOutcome::stored);
}

TEST_P(AnyStore, history_is_not_built_yet_and_says_so) {
    std::promise<Errc> answer;
    store->hold({{device, Lane::normal, item(1).id}}, here(),
                [&](const Result<void>& result) { answer.set_value(result.error().code()); });
    EXPECT_EQ(answer.get_future().get(), Errc::unsupported);
}

TEST_P(AnyStore, everything_that_was_called_is_answered_before_the_store_is_gone) {
    std::atomic<int> answers = 0;
    for (std::uint32_t n = 0; n < 50; ++n) {
        store->put({item(n)}, here(), [&](const std::vector<PutResult>&) { ++answers; });
        store->list({device, Lane::normal, EntryState::fresh, 0, 64, 1 << 20}, here(),
                    [&](const Result<ListPage>&) { ++answers; });
        store->ack({{device, Lane::normal, item(n).id}}, here(), [&](const Result<void>&) { ++answers; });
    }
    store.reset();
    EXPECT_EQ(answers, 150);
}

INSTANTIATE_TEST_SUITE_P(MailboxStore, AnyStore, ::testing::Bool(),
                         [](const auto& which) { return which.param ? "RocksDB" : "Memory"; });

struct OnDisk : ::testing::Test {
    Disk disk;
    ManualClock clock;
    SeededRandom random{1};
};

TEST_F(OnDisk, a_second_process_is_told_that_the_store_is_in_use) {
    const auto first = Database::open(disk.config(), clock, random);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(Database::open(disk.config(), clock, random).error(), Errc::store_in_use);
}

TEST_F(OnDisk, another_epoch_outside_stops_the_start_without_restored) {
    {
        ASSERT_TRUE(Database::open(disk.config(), clock, random).has_value());
    }
    std::ofstream(disk.config().epoch_file) << std::string(32, 'a') << '\n';
    EXPECT_EQ(Database::open(disk.config(), clock, random).error(), Errc::store_epoch_mismatch);
    auto config = disk.config();
    config.restored = true;
    EXPECT_TRUE(Database::open(config, clock, random).value()->was_restored());
    EXPECT_TRUE(Database::open(disk.config(), clock, random).has_value());
}

TEST_F(OnDisk, an_older_copy_of_the_store_is_noticed_although_its_epoch_is_the_same) {
    const auto copy = disk.config().directory + ".backup";
    const auto put_back = [&] {
        std::filesystem::remove_all(disk.config().directory);
        std::filesystem::copy(copy, disk.config().directory, std::filesystem::copy_options::recursive);
    };
    ASSERT_TRUE(Database::open(disk.config(), clock, random).has_value());
    std::filesystem::copy(disk.config().directory, copy, std::filesystem::copy_options::recursive);
    ASSERT_TRUE(Database::open(disk.config(), clock, random).has_value()) << "a start later";
    put_back();
    const auto refused = Database::open(disk.config(), clock, random);
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error(), Errc::store_epoch_mismatch);
    EXPECT_NE(refused.error().detail().find("is older than"), std::string::npos) << refused.error().detail();

    auto config = disk.config();
    config.restored = true;
    const auto epoch = Database::open(config, clock, random).value()->epoch();
    std::filesystem::remove_all(copy);
    std::filesystem::copy(disk.config().directory, copy, std::filesystem::copy_options::recursive);
    {
        const auto database = Database::open(disk.config(), clock, random);
        ASSERT_TRUE(database.has_value());
        EXPECT_EQ((*database)->epoch(), epoch);
    }
    ASSERT_TRUE(Database::open(disk.config(), clock, random).has_value());
    std::filesystem::remove_all(copy);
    std::filesystem::copy(disk.config().directory, copy, std::filesystem::copy_options::recursive);
    {
        const auto database = Database::open(disk.config(), clock, random);
        ASSERT_TRUE((*database)->raise_mark().has_value()) << "an hour later";
    }
    put_back();
    EXPECT_EQ(Database::open(disk.config(), clock, random).error(), Errc::store_epoch_mismatch);
    std::filesystem::remove_all(copy);
}

TEST_F(OnDisk, a_lock_file_that_cannot_be_opened_is_not_taken_for_another_process) {
    std::filesystem::create_directories(disk.root / "store" / "LOCK");
    EXPECT_EQ(Database::open(disk.config(), clock, random).error(), Errc::io_error);
}

/// Fills two logs: the first stays needed, since only the mailbox family is flushed.
void fill_two_logs(Database& database) {
    rocksdb::WriteOptions options;
    options.sync = true;
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 200; ++i)
            ASSERT_TRUE(database.db().Put(options, std::to_string(i), std::string(500, 'x')).ok());
        ASSERT_TRUE(database.db().Put(options, database.family(key_layout::mailbox_family), "k", "v").ok());
        if (round > 0) return;
        ASSERT_TRUE(database.db().Flush({}, database.family(key_layout::mailbox_family)).ok());
    }
}

TEST_F(OnDisk, a_flipped_byte_in_the_middle_of_a_log_stops_the_start_and_names_that_log) {
    fill_two_logs(*Database::open(disk.config(), clock, random).value());
    std::vector<std::filesystem::path> logs;
    for (const auto& entry : std::filesystem::directory_iterator(disk.config().directory)) {
        if (entry.path().extension() == ".log" && entry.file_size() > 50'000) logs.push_back(entry.path());
    }
    ASSERT_EQ(logs.size(), 2U);
    const auto older = std::min(logs[0], logs[1]);
    {
        std::fstream file(older, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(older) / 2));
        file.put('!');
    }
    const auto opened = Database::open(disk.config(), clock, random);
    ASSERT_TRUE(opened.has_error());
    EXPECT_EQ(opened.error(), Errc::store_corrupt);
    EXPECT_NE(opened.error().detail().find(older.string()), std::string::npos) << opened.error().detail();
    EXPECT_NE(opened.error().detail().find("--restored"), std::string::npos);
}

TEST_P(AnyStore, a_restart_keeps_entries_ids_and_marks_and_goes_on_behind_the_last_sequence) {
    if (!GetParam()) GTEST_SKIP() << "memory does not outlive its object";
    put({item(1), item(2), item(3)});
    const auto last = list().entries.back().sequence;
    ack({device, Lane::normal, item(1).id});
    store->mark({{{device, Lane::normal, item(2).id}, {1, 90, UnixTime{7}}, false}}, here(),
                [](const Result<void>&) {});
    reopen();
    auto page = list();
    ASSERT_EQ(page.entries.size(), 2u);
    EXPECT_EQ(page.entries[0].id, item(2).id);
    EXPECT_EQ(page.entries[0].marks.refusals, 1);
    EXPECT_EQ(page.entries[0].marks.deferred_since, UnixTime{7});
    EXPECT_EQ(page.entries[1].body->encoded, "body");
    EXPECT_EQ(put({item(3)}).front().outcome, PutOutcome::duplicate);
    EXPECT_GT(put({item(4)}).front().sequence, last);
}

TEST_P(AnyStore, compaction_leaves_an_empty_marker_of_what_expired_unread_and_nothing_of_its_body) {
    if (!GetParam()) GTEST_SKIP() << "memory is not compacted";
    put({item(1)});
    EXPECT_EQ(rows(key_layout::body_family), 1);
    clock.advance(limits::ttl_default);
    compact();
    EXPECT_EQ(rows(key_layout::body_family), 0);
    EXPECT_EQ(rows(key_layout::mailbox_family), 1);
    reopen();  // so that nothing is known but what the disk says
    const auto page = list();
    ASSERT_EQ(page.entries.size(), 1u);
    EXPECT_EQ(page.entries[0].state, EntryState::expired);
    EXPECT_EQ(page.entries[0].id, EnvelopeId()) << "the marker is empty";
    ack({device, Lane::normal, page.entries[0].id, page.entries[0].sequence});
    EXPECT_TRUE(list().entries.empty());
    EXPECT_EQ(rows(key_layout::mailbox_family), 0);
}

TEST_P(AnyStore, a_marker_that_nobody_counts_is_forgotten_after_the_longest_lifetime) {
    if (!GetParam()) GTEST_SKIP() << "memory is not compacted";
    put({item(1)});
    clock.advance(limits::ttl_default);
    compact();
    clock.advance(limits::ttl_longest + Millis(1));
    compact();
    EXPECT_EQ(rows(key_layout::mailbox_family), 0);
}

TEST_P(AnyStore, the_body_of_an_upload_goes_with_its_last_entry) {
    if (!GetParam()) GTEST_SKIP() << "memory shares the object";
    auto first = item(1);
    auto second = first;
    second.device = EnrolmentId(ByteArray<16>{10});
    put({first, second});
    EXPECT_EQ(rows(key_layout::body_family), 1) << "written once";
    ack({first.device, Lane::normal, first.id});
    EXPECT_EQ(rows(key_layout::body_family), 1);
    ack({second.device, Lane::normal, second.id});
    EXPECT_EQ(rows(key_layout::body_family), 0);
}

}  // namespace
}  // namespace melder::server
