// One suite for every MailboxStore, and what only the store on disk must survive.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include <gtest/gtest.h>

#include "core/endian.hpp"
#include "server/stores/memory/mailbox_store.hpp"
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
    ~AnyStore() override {
        database.reset();
        store.reset();
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
    Disk disk;
    ManualClock clock;
    SeededRandom random{1};
    EnrolmentId device{ByteArray<16>{9}};
    std::unique_ptr<Database> database;
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

TEST_F(OnDisk, a_flipped_byte_in_the_middle_of_the_log_stops_the_start_and_names_the_file) {
    {
        const auto database = Database::open(disk.config(), clock, random).value();
        rocksdb::WriteOptions options;
        options.sync = true;
        for (int i = 0; i < 200; ++i)
            ASSERT_TRUE(database->db().Put(options, std::to_string(i), std::string(500, 'x')).ok());
    }
    std::filesystem::path log;
    for (const auto& entry : std::filesystem::directory_iterator(disk.config().directory)) {
        if (entry.path().extension() == ".log" && entry.file_size() > 50'000) log = entry.path();
    }
    ASSERT_FALSE(log.empty());
    {
        std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(log) / 2));
        file.put('!');
    }
    const auto opened = Database::open(disk.config(), clock, random);
    ASSERT_TRUE(opened.has_error());
    EXPECT_EQ(opened.error(), Errc::store_corrupt);
    EXPECT_NE(opened.error().detail().find(log.filename().string()), std::string::npos) << opened.error().detail();
    EXPECT_NE(opened.error().detail().find("--restored"), std::string::npos);
}

}  // namespace
}  // namespace melder::server
