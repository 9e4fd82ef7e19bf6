#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>

#include <thread>

#include <unistd.h>

#include "core/limits.hpp"
#include "server/stores/memory/directory_store.hpp"
#include "server/stores/rocksdb/directory_store.hpp"
#include "tests/server/stores_directory_conformance.hpp"

namespace melder::server::testing {
namespace {

template <class IdType>
IdType id_of(Byte n) {
    ByteArray<IdType::size_bytes> bytes{};
    bytes.fill(n);
    return IdType(bytes);
}

class MemoryHarness final : public DirectoryHarness {
public:
    DirectoryStore& store() override { return *store_; }
    void restart() override { open(); }
    void restore() override {
        ++epoch_;
        open();
    }

private:
    void open() { store_ = std::make_unique<MemoryDirectoryStore>(rows_, id_of<StoreEpoch>(epoch_)); }
    Byte epoch_ = 1;
    MemoryRows rows_;
    std::unique_ptr<MemoryDirectoryStore> store_ = std::make_unique<MemoryDirectoryStore>(rows_, id_of<StoreEpoch>(1));
};

class RocksHarness final : public DirectoryHarness {
public:
    RocksHarness() {
        static int count = 0;
        root_ = std::filesystem::temp_directory_path() /
                ("melder-directory-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::create_directories(root_);
        open(false);
    }
    ~RocksHarness() override {
        store_.reset();
        database_.reset();
        std::filesystem::remove_all(root_);
    }
    DirectoryStore& store() override { return *store_; }
    void restart() override { open(false); }
    void restore() override {
        store_.reset();
        database_.reset();
        std::filesystem::remove(root_ / "epoch");
        open(true);
    }

private:
    void open(bool restored) {
        store_.reset();
        database_.reset();
        database_ = Database::open({.directory = root_ / "store", .epoch_file = root_ / "epoch", .restored = restored},
                                   system_clock(), system_random())
                        .value();
        store_ = std::make_unique<RocksDirectoryStore>(*database_);
    }
    std::filesystem::path root_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<RocksDirectoryStore> store_;
};

template <class Harness>
std::unique_ptr<DirectoryHarness> make() {
    return std::make_unique<Harness>();
}

DeviceRow device(Byte n, Byte officer = 1) {
    DeviceRow row;
    row.device = id_of<EnrolmentId>(n);
    row.officer = id_of<OfficerId>(officer);
    row.app = "messenger";
    row.sealed_grant = {1, 2, 3};
    return row;
}
DirectoryChange with(DeviceRow row) {
    DirectoryChange change;
    change.devices.push_back(std::move(row));
    return change;
}
StoredPrekey one_time(std::uint32_t id, Byte content = 7) {
    StoredPrekey prekey;
    prekey.id = id;
    prekey.public_key.fill(content);
    prekey.public_key[1] = static_cast<Byte>(id);
    return prekey;
}
PrekeyPut upload(Byte n, std::uint32_t first, std::uint32_t count, std::uint32_t signed_id = 1) {
    PrekeyPut put;
    put.device = id_of<EnrolmentId>(n);
    put.signed_prekey.emplace().id = signed_id;
    for (std::uint32_t i = 0; i < count; ++i)
        put.one_time.push_back(one_time(first + i));
    return put;
}
TakeItem from(Byte n) {
    return {id_of<EnrolmentId>(n), true};
}

TEST_P(DirectoryStoreConformance, the_day_of_a_login_and_the_version_survive_a_restart_and_never_go_back) {
    const auto note = [&](LoginRow row) {
        return wait_for<void>([&](auto executor, auto done) { store().note_logins({row}, executor, done); });
    };
    const auto find = [&](const EnrolmentId& device) {
        return wait_for<std::optional<LoginRow>>(
                   [&](auto executor, auto done) { store().load_login(device, executor, done); })
            .value();
    };
    const LoginRow first{.device = id_of<EnrolmentId>(1), .day = 20'000, .protocol = 1, .client_version = "app 1.0"};
    const LoginRow other{.device = id_of<EnrolmentId>(2), .day = 19'000, .protocol = 1, .client_version = ""};
    EXPECT_FALSE(find(first.device).has_value());
    ASSERT_TRUE(note(first).has_value());
    ASSERT_TRUE(note(other).has_value());
    harness_->restart();
    EXPECT_EQ(find(first.device), first);
    EXPECT_EQ(find(other.device), other);
    auto next = first;
    next.client_version = "app 1.1";
    ASSERT_TRUE(note(next).has_value());
    EXPECT_EQ(find(first.device), next) << "another version on the same day";
    auto earlier = first;
    earlier.day = 19'999;
    ASSERT_TRUE(note(earlier).has_value());
    EXPECT_EQ(find(first.device), next) << "what comes late is no newer";
    next.day = 20'001;
    ASSERT_TRUE(note(next).has_value());
    harness_->restart();
    EXPECT_EQ(find(first.device), next);
}

TEST_P(DirectoryStoreConformance, a_device_is_read_back_as_it_was_written_also_after_a_restart) {
    auto row = device(1);
    row.bound = BoundRow{.identity_key = id_of<X25519Public>(2),
                         .login_key = id_of<P256Public>(4),
                         .registration_id = 99,
                         .bound_at = UnixTime{5},
                         .binding = {6},
                         .date = {7}};
    row.standing = DeviceStanding::suspended;
    ASSERT_TRUE(commit(with(row)).has_value());
    harness_->restart();
    const auto loaded = load(row.device);
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(loaded->revision, 1u);
    EXPECT_EQ(loaded->officer, row.officer);
    EXPECT_EQ(loaded->app, row.app);
    EXPECT_EQ(loaded->standing, DeviceStanding::suspended);
    EXPECT_EQ(loaded->sealed_grant, row.sealed_grant);
    ASSERT_TRUE(loaded->bound.has_value());
    EXPECT_EQ(loaded->bound->login_key, row.bound->login_key);
    EXPECT_EQ(loaded->bound->registration_id, 99u);
}

TEST_P(DirectoryStoreConformance, a_change_over_an_old_revision_is_refused_whole) {
    ASSERT_TRUE(commit(with(device(1))).has_value());
    auto change = with(device(1));  // revision 0: "must not exist"
    change.devices.push_back(device(2));
    EXPECT_EQ(commit(std::move(change)).error().code(), Errc::out_of_order);
    EXPECT_FALSE(load(id_of<EnrolmentId>(2)).has_value());
    auto again = *load(id_of<EnrolmentId>(1));
    again.grant_version = 2;
    EXPECT_TRUE(commit(with(again)).has_value());
    EXPECT_EQ(load(again.device)->grant_version, 2u);
}

TEST_P(DirectoryStoreConformance, the_log_grows_only_at_its_end) {
    DirectoryChange change;
    change.log = LogAppend{.expected_size = 0, .entries = {{1}, {2}}};
    ASSERT_TRUE(commit(change).has_value());
    EXPECT_EQ(commit(change).error().code(), Errc::out_of_order);
    harness_->restart();
    const auto entries =
        wait_for<std::vector<Bytes>>([&](auto e, auto done) { store().load_log(1, 10, e, done); }).value();
    EXPECT_EQ(entries, (std::vector<Bytes>{{2}}));
}

TEST_P(DirectoryStoreConformance, every_call_is_answered_before_the_store_is_gone) {
    constexpr int calls = 500;  // more than one round of the store's thread
    std::atomic<int> answered = 0;
    for (int i = 0; i < calls; ++i) {
        store().load_head([](const std::function<void()>& work) { work(); },
                          [&](const Result<DirectoryHead>&) { ++answered; });
    }
    harness_->restart();
    EXPECT_EQ(answered, calls);
}

TEST_P(DirectoryStoreConformance, devices_are_listed_by_id_and_by_officer) {
    for (Byte n = 1; n <= 5; ++n)
        ASSERT_TRUE(commit(with(device(n, n % 2))).has_value());
    using Rows = std::vector<DeviceRow>;
    const auto odd = wait_for<Rows>([&](auto e, auto done) {
                         store().list_devices(std::nullopt, id_of<OfficerId>(1), 10, e, done);
                     }).value();
    ASSERT_EQ(odd.size(), 3u);
    EXPECT_EQ(odd[2].device, id_of<EnrolmentId>(5));
    const auto page = wait_for<Rows>([&](auto e, auto done) {
                          store().list_devices(id_of<EnrolmentId>(2), std::nullopt, 2, e, done);
                      }).value();
    ASSERT_EQ(page.size(), 2u);
    EXPECT_EQ(page[0].device, id_of<EnrolmentId>(3));
}

TEST_P(DirectoryStoreConformance, a_one_time_prekey_is_never_handed_out_twice_also_after_a_restart) {
    ASSERT_EQ(put(upload(1, 1, 50)).value(), 50u);
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 50; ++i) {
        if (i == 25) harness_->restart();
        const auto result = take({from(1)});
        ASSERT_TRUE(result[0].one_time.has_value());
        EXPECT_TRUE(seen.insert(result[0].one_time->id).second);
    }
    const auto empty = take({from(1)});
    EXPECT_FALSE(empty[0].one_time.has_value());
    EXPECT_TRUE(empty[0].signed_prekey.has_value());
}

TEST_P(DirectoryStoreConformance, concurrent_takes_of_one_device_never_meet) {
    ASSERT_TRUE(put(upload(1, 1, 200)).has_value());
    std::mutex mutex;
    std::set<std::uint32_t> seen;
    std::atomic<int> twice = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 25; ++i) {
                const auto result = take({from(1), from(1)});
                const std::lock_guard lock(mutex);
                for (const auto& one : result)
                    twice += seen.insert(one.one_time->id).second ? 0 : 1;
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(twice, 0);
    EXPECT_EQ(seen.size(), 200u);
}

TEST_P(DirectoryStoreConformance, below_the_reserve_the_signed_prekey_is_given_alone) {
    ASSERT_TRUE(put(upload(1, 1, 21)).has_value());
    EXPECT_TRUE(take({from(1)}, 20)[0].one_time.has_value());
    EXPECT_TRUE(take({from(1)}, 20)[0].one_time.has_value());
    const auto result = take({from(1)}, 20);
    EXPECT_FALSE(result[0].one_time.has_value());
    EXPECT_EQ(result[0].remaining, 19u);
}

TEST_P(DirectoryStoreConformance, a_device_without_prekeys_has_a_code_of_its_own) {
    ASSERT_TRUE(put(upload(1, 1, 1)).has_value());
    const auto results = take({from(2), from(1)});
    EXPECT_FALSE(results[0].signed_prekey.has_value());
    EXPECT_EQ(results[0].code, Errc::no_prekeys);
    EXPECT_TRUE(results[1].one_time.has_value());
}

TEST_P(DirectoryStoreConformance, an_id_is_never_reused_for_another_key) {
    ASSERT_TRUE(put(upload(1, 1, 2)).has_value());
    ASSERT_TRUE(take({from(1)})[0].one_time.has_value());  // id 1 is spent now
    for (const std::uint32_t id : {1u, 2u}) {
        PrekeyPut other;
        other.device = id_of<EnrolmentId>(1);
        other.one_time = {one_time(id, 8)};
        EXPECT_EQ(put(other).error().code(), Errc::prekey_conflict) << id;
    }
    auto signed_again = upload(1, 3, 0);
    signed_again.signed_prekey->public_key.fill(9);
    EXPECT_EQ(put(signed_again).error().code(), Errc::prekey_conflict);
}

TEST_P(DirectoryStoreConformance, a_repeated_upload_brings_no_spent_key_back) {
    const auto first = upload(1, 1, 2);
    ASSERT_TRUE(put(first).has_value());
    ASSERT_TRUE(take({from(1)})[0].one_time.has_value());
    EXPECT_EQ(put(first).value(), 1u);
    EXPECT_EQ(take({from(1)})[0].one_time->id, 2u);
    EXPECT_FALSE(take({from(1)})[0].one_time.has_value());
}

TEST_P(DirectoryStoreConformance, replacing_all_forgets_the_former_stock) {
    ASSERT_TRUE(put(upload(1, 1, 5)).has_value());
    auto next = upload(1, 5, 3);
    next.replace_all = true;
    EXPECT_EQ(put(next).value(), 3u);
    std::set<std::uint32_t> ids;
    for (int i = 0; i < 3; ++i)
        ids.insert(take({from(1)})[0].one_time->id);
    EXPECT_EQ(ids, (std::set<std::uint32_t>{5, 6, 7}));
}

TEST_P(DirectoryStoreConformance, a_stock_never_grows_beyond_its_limit) {
    ASSERT_TRUE(put(upload(1, 1, 200)).has_value());
    EXPECT_EQ(put(upload(1, 201, 1)).error().code(), Errc::quota_exceeded);
}

TEST_P(DirectoryStoreConformance, keys_of_an_older_epoch_are_never_handed_out) {
    ASSERT_TRUE(put(upload(1, 1, 5)).has_value());
    harness_->restore();
    const auto results = take({from(1)});
    EXPECT_FALSE(results[0].one_time.has_value());
    EXPECT_FALSE(results[0].signed_prekey.has_value());
    EXPECT_EQ(put(upload(1, 1, 5)).error().code(), Errc::prekey_conflict);  // perhaps handed out after the backup
    EXPECT_EQ(put(upload(1, 6, 5, 2)).value(), 5u);
    EXPECT_EQ(take({from(1)})[0].one_time->id, 6u);
}

TEST_P(DirectoryStoreConformance, a_watcher_sees_the_past_once_and_then_every_change_in_order) {
    ASSERT_TRUE(commit(with(device(1))).has_value());
    ASSERT_TRUE(commit(with(device(2))).has_value());
    std::mutex mutex;
    std::vector<Cursor> cursors;
    std::set<EnrolmentId> devices;
    std::vector<Bytes> log;
    const auto handler = [&](const std::shared_ptr<const FeedBatch>& batch) {
        const std::lock_guard lock(mutex);
        cursors.push_back(batch->cursor);
        for (const auto& row : batch->devices)
            devices.insert(row.device);
        log.insert(log.end(), batch->log_entries.begin(), batch->log_entries.end());
    };
    const auto token = store().watch(1, [](const std::function<void()>& work) { work(); }, handler);
    auto change = with(device(3));
    change.log = LogAppend{.expected_size = 0, .entries = {{42}}};
    ASSERT_TRUE(commit(std::move(change)).has_value());
    const std::lock_guard lock(mutex);
    EXPECT_EQ(devices, (std::set{id_of<EnrolmentId>(2), id_of<EnrolmentId>(3)}));
    EXPECT_TRUE(std::ranges::is_sorted(cursors));
    EXPECT_EQ(cursors.back(), 3u);
    EXPECT_EQ(log, (std::vector<Bytes>{{42}}));
}

INSTANTIATE_TEST_SUITE_P(Memory, DirectoryStoreConformance, ::testing::Values(&make<MemoryHarness>));
INSTANTIATE_TEST_SUITE_P(Rocks, DirectoryStoreConformance, ::testing::Values(&make<RocksHarness>));

}  // namespace
}  // namespace melder::server::testing
