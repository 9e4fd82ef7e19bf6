// Death in the middle: a child process is killed with SIGKILL while it commits, and the vault is opened after it.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/endian.hpp"
#include "tests/sdk/vault/vault_fixture.hpp"

namespace melder::sdk {
namespace {

using testing::VaultFolder;

constexpr std::uint64_t cells = 12;

std::uint64_t number(const VaultTransaction& transaction, std::uint64_t cell) {
    const auto value = transaction.find(Table::sessions, big_endian(cell)).value();
    return value ? from_big_endian<std::uint64_t>(value->expose().first<8>()) : 0;
}

/// Writes the same rising number into every cell, and says each number after its commit.
[[noreturn]] void commit_for_ever(VaultFolder& place, int said, Sync sync) {
    auto vault = place.try_open().value();
    for (std::uint64_t n = number(vault->begin(place.now), 0) + 1;; ++n) {
        auto transaction = vault->begin(place.now);
        for (std::uint64_t cell = 0; cell < cells; ++cell) {
            SecretBuffer value(8 + 700 * cell);
            std::ranges::copy(big_endian(n), value.expose_writable().begin());
            if (!transaction.put(Table::sessions, big_endian(cell), std::move(value))) ::_exit(1);
        }
        if (!transaction.commit(sync)) ::_exit(1);
        if (::write(said, &n, sizeof n) != sizeof n) ::_exit(1);
    }
}

void kill_in_the_middle(VaultFolder& place, Sync sync, int numbers_heard) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) commit_for_ever(place, pipe_ends[1], sync);
    ::close(pipe_ends[1]);
    std::uint64_t said = 0;
    for (int i = 0; i < numbers_heard; ++i)
        ASSERT_EQ(::read(pipe_ends[0], &said, sizeof said), ssize_t{sizeof said});
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    for (std::uint64_t more = 0; ::read(pipe_ends[0], &more, sizeof more) == ssize_t{sizeof more};)
        said = more;
    ::close(pipe_ends[0]);

    const auto vault = place.try_open().value();
    const auto transaction = vault->begin(place.now);
    const auto n = number(transaction, 0);
    EXPECT_GE(n, said) << "a commit that was reported is gone";
    EXPECT_LE(n, said + 1);
    for (std::uint64_t cell = 1; cell < cells; ++cell)
        EXPECT_EQ(number(transaction, cell), n) << "half a transaction";
}

TEST(VaultCrash, a_killed_process_leaves_whole_transactions_and_every_reported_one) {
    VaultFolder place;
    {
        const auto made = place.open();
    }
    for (int round = 0; round < 8; ++round)
        kill_in_the_middle(place, Sync::durable, 3 + round * 5);
}

TEST(VaultCrash, a_deferred_commit_survives_the_death_of_the_process) {
    VaultFolder place;
    {
        const auto made = place.open();
    }
    for (int round = 0; round < 4; ++round)
        kill_in_the_middle(place, Sync::deferred, 3 + round * 20);
}

TEST(VaultCrash, a_torn_end_of_the_log_costs_only_what_was_not_yet_whole) {
    VaultFolder place;
    {
        const auto made = place.open();
    }
    // The copy taken while the vault is open is what a power cut leaves; then the last frame is cut off.
    VaultFolder after;
    {
        auto vault = place.try_open().value();
        for (const char* value : {"first", "second"}) {
            auto transaction = vault->begin(place.now);
            ASSERT_TRUE(transaction.put(Table::sessions, view(value), SecretBuffer(view(value))));
            ASSERT_TRUE(transaction.commit(Sync::durable));
        }
        for (const char* name : {"vault", "vault-wal", "device-key"}) {
            std::filesystem::copy(place.folder / name, after.folder / name);
        }
    }
    const auto log = VaultFolder::read(after.folder / "vault-wal");
    VaultFolder::write(after.folder / "vault-wal", std::string_view(log).substr(0, log.size() - 100));
    auto vault = after.try_open().value();
    const auto transaction = vault->begin(place.now);
    EXPECT_TRUE(transaction.find(Table::sessions, view("first")).value());
    EXPECT_FALSE(transaction.find(Table::sessions, view("second")).value());
}

TEST(VaultCrash, a_data_key_change_killed_at_any_step_is_finished_later) {
    VaultFolder place;
    {
        auto vault = place.open();
        auto transaction = vault->begin(place.now);
        for (std::uint64_t cell = 0; cell < 40; ++cell) {
            ASSERT_TRUE(transaction.put(Table::sessions, big_endian(cell), SecretBuffer(big_endian(cell))));
        }
        ASSERT_TRUE(transaction.commit(Sync::durable));
    }
    for (int steps = 0; steps < 5; ++steps) {
        const pid_t child = ::fork();
        if (child == 0) {
            auto vault = place.try_open().value();
            if (!vault->begin_data_key_change(Compartment::main)) ::_exit(1);
            for (int i = 0; i < steps; ++i) {
                if (!vault->step_data_key_change(Compartment::main, 15)) ::_exit(1);
            }
            ::kill(::getpid(), SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        auto vault = place.try_open().value();
        const auto transaction = vault->begin(place.now);
        for (std::uint64_t cell = 0; cell < 40; ++cell)
            EXPECT_EQ(number(transaction, cell), cell);
        ASSERT_TRUE(vault->begin_data_key_change(Compartment::main));
        while (!vault->step_data_key_change(Compartment::main, 15).value()) {
        }
        EXPECT_FALSE(vault->data_key_change_pending(Compartment::main).value());
        for (std::uint64_t cell = 0; cell < 40; ++cell)
            EXPECT_EQ(number(transaction, cell), cell);
    }
}

}  // namespace
}  // namespace melder::sdk
