#include "sdk/vault/vault.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <set>

#include "tests/sdk/vault/vault_fixture.hpp"

// Stands before the C library's for SQLite too: how often something was really put on stable storage.
namespace {
int syncs = 0;
}
extern "C" __attribute__((visibility("default"))) int fdatasync(int descriptor) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}
extern "C" __attribute__((visibility("default"))) int fsync(int descriptor) {
    ++syncs;
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

namespace melder::sdk {
namespace {

using testing::VaultFolder;
using testing::VaultTest;

void sql(const std::filesystem::path& file, const char* text) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
}

TEST_F(VaultTest, what_was_committed_is_there_after_the_next_opening) {
    put(Table::sessions, "peer", "record");
    put(Table::outbox, "envelope", "sealed");
    reopen();
    EXPECT_EQ(get(Table::sessions, "peer"), "record");
    EXPECT_EQ(get(Table::outbox, "envelope"), "sealed");
    EXPECT_EQ(get(Table::sessions, "envelope"), "-");
    EXPECT_EQ(vault->opening(), 2U);
}

TEST_F(VaultTest, a_transaction_that_is_dropped_changed_nothing) {
    put(Table::sessions, "peer", "before");
    {
        auto transaction = begin();
        ASSERT_TRUE(transaction.put(Table::sessions, view("peer"), SecretBuffer(view("after"))));
        ASSERT_TRUE(transaction.erase(Table::outbox, view("x")));
        EXPECT_EQ(get(transaction, Table::sessions, "peer"), "after");
    }
    EXPECT_EQ(get(Table::sessions, "peer"), "before");
}

TEST_F(VaultTest, operations_share_a_commit_and_each_fails_alone) {
    auto all = begin();
    ASSERT_TRUE(all.put(Table::sessions, view("a"), SecretBuffer(view("1"))));
    {
        auto kept = all.nested();
        ASSERT_TRUE(kept.put(Table::sessions, view("b"), SecretBuffer(view("2"))));
        EXPECT_EQ(get(kept, Table::sessions, "a"), "1");
        kept.keep();
    }
    {
        auto dropped = all.nested();
        ASSERT_TRUE(dropped.erase(Table::sessions, view("a")));
        EXPECT_EQ(get(dropped, Table::sessions, "a"), "-");
        EXPECT_EQ(dropped.commit(Sync::durable).error(), Errc::bad_argument);
    }
    ASSERT_TRUE(all.commit(Sync::durable));
    EXPECT_EQ(get(Table::sessions, "a"), "1");
    EXPECT_EQ(get(Table::sessions, "b"), "2");
}

TEST_F(VaultTest, a_walk_over_a_table_sees_stored_and_staged_cells_and_groups) {
    put(Table::base_keys, "1", "x", {.expires = {}, .group = view("g")});
    put(Table::base_keys, "2", "x", {.expires = {}, .group = view("h")});
    auto transaction = begin();
    ASSERT_TRUE(transaction.put(Table::base_keys, view("3"), SecretBuffer(view("x")), {{}, view("g")}));
    ASSERT_TRUE(transaction.erase(Table::base_keys, view("2")));
    std::set<std::string> all;
    std::set<std::string> group;
    ASSERT_TRUE(transaction.for_each(Table::base_keys, [&](BytesView key, BytesView) {
        all.insert(to_string(key));
        return ok();
    }));
    ASSERT_TRUE(transaction.for_each_in(Table::base_keys, view("g"), [&](BytesView key, BytesView) {
        group.insert(to_string(key));
        return ok();
    }));
    EXPECT_EQ(all, (std::set<std::string>{"1", "3"}));
    EXPECT_EQ(group, (std::set<std::string>{"1", "3"}));
    ASSERT_TRUE(transaction.erase_group(Table::base_keys, view("g")));
    ASSERT_TRUE(transaction.commit(Sync::deferred));
    EXPECT_EQ(get(Table::base_keys, "1"), "-");
    EXPECT_EQ(get(Table::base_keys, "3"), "-");
}

TEST_F(VaultTest, only_a_durable_commit_is_synced_and_a_group_of_eight_is_synced_once) {
    put(Table::sessions, "warm", "up");
    syncs = 0;
    auto deferred = begin();
    ASSERT_TRUE(deferred.put(Table::pending, view("a"), SecretBuffer(view("1"))));
    ASSERT_TRUE(deferred.commit(Sync::deferred));
    EXPECT_EQ(syncs, 0);
    put(Table::pending, "b", "1");
    const int alone = syncs;
    EXPECT_GE(alone, 1);
    syncs = 0;
    auto group = begin();
    for (const char* key : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
        auto one = group.nested();
        ASSERT_TRUE(one.put(Table::pending, view(key), SecretBuffer(view("1"))));
        one.keep();
    }
    ASSERT_TRUE(group.commit(Sync::durable));
    EXPECT_EQ(syncs, alone);
}

TEST_F(VaultTest, a_durable_commit_of_nothing_still_makes_the_deferred_ones_durable) {
    put(Table::sessions, "warm", "up");
    auto deferred = begin();
    ASSERT_TRUE(deferred.put(Table::pending, view("a"), SecretBuffer(view("1"))));
    ASSERT_TRUE(deferred.commit(Sync::deferred));
    syncs = 0;
    ASSERT_TRUE(begin().commit(Sync::durable));
    EXPECT_GE(syncs, 1);
}

TEST_F(VaultTest, an_expired_cell_is_hidden_at_once_and_erased_on_demand) {
    put(Table::pending, "soon", "x", {.expires = place.now + Millis(1000), .group = {}});
    put(Table::pending, "later", "x", {.expires = place.now + Millis(9000), .group = {}});
    put(Table::pending, "never", "x");
    EXPECT_EQ(get(begin(Millis(999)), Table::pending, "soon"), "x");
    EXPECT_EQ(get(begin(Millis(1000)), Table::pending, "soon"), "-");
    std::size_t seen = 0;
    ASSERT_TRUE(begin(Millis(1000)).for_each(Table::pending, [&](BytesView, BytesView) {
        ++seen;
        return ok();
    }));
    EXPECT_EQ(seen, 2U);
    EXPECT_EQ(vault->erase_expired(place.now + Millis(1000)).value(), 1U);
    EXPECT_EQ(get(begin(), Table::pending, "soon"), "-");
    EXPECT_EQ(get(begin(), Table::pending, "later"), "x");
    EXPECT_EQ(get(begin(Millis(99'000)), Table::pending, "never"), "x");
}

TEST_F(VaultTest, the_main_compartment_closes_and_the_boot_compartment_goes_on) {
    put(Table::sessions, "peer", "record");
    put(Table::outbox, "envelope", "sealed");
    auto staged = begin();
    ASSERT_TRUE(staged.put(Table::sessions, view("peer"), SecretBuffer(view("late"))));
    ASSERT_TRUE(staged.put(Table::outbox, view("other"), SecretBuffer(view("late"))));
    vault->close_main();
    EXPECT_EQ(begin().find(Table::sessions, view("peer")).error(), Errc::locked);
    EXPECT_EQ(begin().put(Table::sessions, view("peer"), SecretBuffer()).error(), Errc::locked);
    EXPECT_EQ(staged.commit(Sync::durable).error(), Errc::locked);
    EXPECT_EQ(get(Table::outbox, "envelope"), "sealed");
    EXPECT_EQ(get(Table::outbox, "other"), "-") << "half of a refused transaction was written";
    ASSERT_TRUE(vault->open_main());
    EXPECT_EQ(get(Table::sessions, "peer"), "record");
}

TEST_F(VaultTest, a_locked_phone_opens_the_boot_compartment_alone) {
    struct LockedPhone final : PlatformKeys {
        PlatformKeys& inner;
        explicit LockedPhone(PlatformKeys& keys) : inner(keys) {}
        Result<DeviceKey> load(Compartment compartment) override {
            if (compartment == Compartment::main) return Errc::locked;
            return inner.load(compartment);
        }
        Result<void> create(Random&) override { return ok(); }
    };
    put(Table::outbox, "envelope", "sealed");
    vault.reset();
    LockedPhone phone(place.keys);
    vault = Vault::open({.path = place.file, .keys = phone, .random = system_random()}).value();
    EXPECT_FALSE(vault->main_is_open());
    EXPECT_EQ(get(Table::outbox, "envelope"), "sealed");
}

TEST_F(VaultTest, the_lease_share_enters_the_key_of_the_main_compartment_only) {
    vault->close_main();
    EXPECT_EQ(vault->open_main(LeaseShare(view("another share"))).error(), Errc::vault_wrong_key);
    EXPECT_EQ(begin().find(Table::outbox, view("x")).value().has_value(), false);
}

TEST_F(VaultTest, a_second_owner_is_refused) {
    EXPECT_EQ(place.try_open().error(), Errc::vault_in_use);
    vault.reset();
    EXPECT_TRUE(place.try_open());
}

TEST_F(VaultTest, no_vault_is_made_unless_asked_for) {
    VaultFolder empty;
    EXPECT_EQ(empty.try_open().error(), Errc::not_found);
    EXPECT_TRUE(std::filesystem::is_empty(empty.folder));
}

struct RefusedVault : VaultTest {
    void expect_refused(Errc reason) {
        const auto before = VaultFolder::read(place.file);
        const auto opened = place.try_open(true);
        ASSERT_TRUE(opened.has_error());
        EXPECT_EQ(opened.error(), reason);
        EXPECT_FALSE(opened.error().detail().empty()) << "the sentence must name the file";
        EXPECT_EQ(VaultFolder::read(place.file), before) << "a refused vault was written to";
    }
};

TEST_F(RefusedVault, another_device_key_is_told_apart_from_damage) {
    vault.reset();
    std::filesystem::remove(place.folder / "device-key");
    ASSERT_TRUE(place.keys.create(system_random()));
    const auto before = VaultFolder::read(place.file);
    EXPECT_EQ(place.try_open().error(), Errc::vault_wrong_key);
    EXPECT_EQ(VaultFolder::read(place.file), before);
}
TEST_F(RefusedVault, a_missing_device_key_is_a_wrong_key_and_none_is_made_in_its_place) {
    vault.reset();
    std::filesystem::remove(place.folder / "device-key");
    expect_refused(Errc::vault_wrong_key);
    EXPECT_FALSE(std::filesystem::exists(place.folder / "device-key"));
}
TEST_F(RefusedVault, a_damaged_device_key_file_is_a_wrong_key) {
    vault.reset();
    VaultFolder::write(place.folder / "device-key", "MLDKEY1\nshort");
    expect_refused(Errc::vault_wrong_key);
}
TEST_F(RefusedVault, a_device_key_that_others_may_read_is_refused) {
    vault.reset();
    ::chmod((place.folder / "device-key").c_str(), 0640);
    expect_refused(Errc::not_allowed);
}
TEST_F(RefusedVault, a_newer_version_is_left_alone) {
    vault.reset();
    sql(place.file, "PRAGMA user_version=2");
    expect_refused(Errc::vault_newer_version);
}
TEST_F(RefusedVault, garbage_is_unreadable) {
    vault.reset();
    VaultFolder::write(place.file, std::string(8192, 'x'));
    expect_refused(Errc::vault_unreadable);
}
TEST_F(RefusedVault, an_empty_file_is_unreadable) {
    vault.reset();
    VaultFolder::write(place.file, "");
    expect_refused(Errc::vault_unreadable);
}
TEST_F(RefusedVault, a_file_cut_off_after_its_first_page_is_unreadable) {
    put(Table::sessions, "peer", std::string(20'000, 'x'));
    vault.reset();
    VaultFolder::write(place.file, VaultFolder::read(place.file).substr(0, 4096));
    expect_refused(Errc::vault_unreadable);
}
TEST_F(RefusedVault, damaged_wraps_are_unreadable) {
    vault.reset();
    sql(place.file, "UPDATE data_keys SET wrapped=zeroblob(60)");
    const auto opened = place.try_open();
    ASSERT_TRUE(opened.has_error());
    EXPECT_EQ(opened.error(), Errc::vault_unreadable);
}
TEST_F(RefusedVault, a_vault_whose_creation_was_cut_off_is_made_anew) {
    VaultFolder fresh;
    VaultFolder::write(fresh.file.string() + ".new", "half a file");
    EXPECT_TRUE(fresh.try_open(true));
}

// The AAD: table ‖ lookup key ‖ row version, and what else stands in clear beside the sealed value.
struct MovedCell : VaultTest {
    void expect_unreadable_after(const char* change) {
        put(Table::sessions, "a", "1", {.expires = place.now + std::chrono::hours(1), .group = view("g")});
        put(Table::sessions, "b", "2");
        vault.reset();
        sql(place.file, change);
        vault = place.try_open().value();
        bool refused = false;
        for (const auto table : {Table::sessions, Table::peers}) {
            const auto walked = begin().for_each(table, [](BytesView, BytesView) { return ok(); });
            refused = refused || (walked.has_error() && walked.error() == Errc::vault_unreadable);
        }
        EXPECT_TRUE(refused);
    }
};
TEST_F(MovedCell, to_another_table) {
    expect_unreadable_after("UPDATE cells SET tbl=37 WHERE tbl=35");
}
TEST_F(MovedCell, to_another_key) {
    expect_unreadable_after("UPDATE cells SET lookup=substr(lookup,1,15)||x'00' WHERE tbl=35");
}
TEST_F(MovedCell, to_another_version) {
    expect_unreadable_after("UPDATE cells SET version=version-1");
}
TEST_F(MovedCell, to_a_later_expiry) {
    expect_unreadable_after("UPDATE cells SET expires_ms=expires_ms+1");
}
TEST_F(MovedCell, to_another_group) {
    expect_unreadable_after("UPDATE cells SET grp=x'00' WHERE grp IS NOT NULL");
}
TEST_F(MovedCell, with_another_cells_value) {
    expect_unreadable_after(
        "UPDATE cells SET sealed=(SELECT sealed FROM cells WHERE tbl=35 ORDER BY lookup LIMIT 1) WHERE tbl=35");
}

TEST_F(VaultTest, a_data_key_change_reseals_every_cell_and_destroys_the_old_key) {
    for (int i = 0; i < 10; ++i)
        put(Table::sessions, std::to_string(i), "record " + std::to_string(i));
    put(Table::outbox, "envelope", "sealed");
    vault.reset();
    // A copy stands for remnants on flash.
    VaultFolder yesterday;
    std::filesystem::copy(place.file, yesterday.file);
    vault = place.try_open().value();
    ASSERT_TRUE(vault->begin_data_key_change(Compartment::main));
    EXPECT_FALSE(vault->step_data_key_change(Compartment::main, 4).value());
    EXPECT_TRUE(vault->data_key_change_pending(Compartment::main).value());
    put(Table::sessions, "new", "written during the change");
    reopen();  // interrupted
    EXPECT_TRUE(vault->data_key_change_pending(Compartment::main).value());
    EXPECT_EQ(get(Table::sessions, "0"), "record 0");
    EXPECT_EQ(get(Table::sessions, "9"), "record 9");
    ASSERT_TRUE(vault->begin_data_key_change(Compartment::main));
    int steps = 0;
    while (!vault->step_data_key_change(Compartment::main, 4).value())
        ++steps;
    EXPECT_EQ(steps, 2) << "six cells were left";
    EXPECT_FALSE(vault->data_key_change_pending(Compartment::main).value());
    reopen();
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(get(Table::sessions, std::to_string(i)), "record " + std::to_string(i));
    EXPECT_EQ(get(Table::sessions, "new"), "written during the change");
    EXPECT_EQ(get(Table::outbox, "envelope"), "sealed") << "the other compartment was not meant";

    // Nothing of the old cells or wraps is left in the file: take them out of yesterday's copy and look.
    vault.reset();
    sqlite3* old = nullptr;
    ASSERT_EQ(sqlite3_open(yesterday.file.c_str(), &old), SQLITE_OK);
    const std::string today = place.everything_written();
    int compared = 0;
    for (const char* query : {"SELECT sealed FROM cells WHERE tbl>=32",
                              "SELECT wrapped FROM data_keys WHERE compartment=1 AND purpose=0"}) {
        sqlite3_stmt* statement = nullptr;
        ASSERT_EQ(sqlite3_prepare_v2(old, query, -1, &statement, nullptr), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            const std::string bytes(static_cast<const char*>(sqlite3_column_blob(statement, 0)),
                                    static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
            EXPECT_EQ(today.find(bytes), std::string::npos);
            ++compared;
        }
        sqlite3_finalize(statement);
    }
    sqlite3_close(old);
    EXPECT_EQ(compared, 11);
}

TEST_F(VaultTest, blinding_is_stable_and_belongs_to_this_vault) {
    const auto first = vault->blind({view("device"), view("content")}).value();
    reopen();
    EXPECT_EQ(vault->blind({view("device"), view("content")}).value(), first);
    VaultFolder other;
    EXPECT_NE(other.open()->blind({view("device"), view("content")}).value(), first);
}

}  // namespace
}  // namespace melder::sdk
