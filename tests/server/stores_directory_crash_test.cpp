// Kills a process that takes prekeys, with SIGKILL, and looks whether any comes twice.

#include <cstdlib>
#include <filesystem>
#include <set>

#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "server/stores/rocksdb/directory_store.hpp"
#include "server/stores/wait_for.hpp"

namespace melder::server {
namespace {

constexpr std::uint32_t stock = 200;
constexpr int ids_descriptor = 200;
constexpr const char* root_variable = "MELDER_TAKE_UNTIL_KILLED";

struct OpenStore {
    explicit OpenStore(const std::filesystem::path& root)
        : database(Database::open({.directory = root / "store", .epoch_file = root / "epoch", .restored = false},
                                  system_clock(), system_random())
                       .value()),
          store(*database) {}
    std::optional<StoredPrekey> take() {
        return wait_for<std::vector<TakeResult>>(
                   [&](auto executor, auto done) { store.take_prekeys({{EnrolmentId(), true}}, 0, executor, done); })
            .value()
            .front()
            .one_time;
    }
    std::unique_ptr<Database> database;
    RocksDirectoryStore store;
};

/// The victim: a process of its own, since RocksDB's threads don't survive a fork.
TEST(DirectoryCrash, DISABLED_take_until_killed) {
    const char* root = std::getenv(root_variable);
    ASSERT_NE(root, nullptr);
    OpenStore open(root);
    while (const auto prekey = open.take()) {
        ASSERT_EQ(::write(ids_descriptor, &prekey->id, sizeof prekey->id), static_cast<ssize_t>(sizeof prekey->id));
    }
}

/// Runs the victim and kills it after `limit` takes; the ids that it was given.
std::vector<std::uint32_t> take_until_killed(const std::filesystem::path& root, std::size_t limit) {
    int ends[2] = {};
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    const auto child = ::fork();
    if (child == 0) {
        ::setenv(root_variable, root.c_str(), 1);
        // Standard output belongs to GoogleTest's text.
        ::dup2(ends[1], ids_descriptor);
        ::execl("/proc/self/exe", "victim", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
                "--gtest_filter=DirectoryCrash.DISABLED_take_until_killed", nullptr);
        ::_exit(127);
    }
    ::close(ends[1]);
    std::vector<std::uint32_t> ids;
    std::uint32_t id = 0;
    while (ids.size() < limit && ::read(ends[0], &id, sizeof id) == static_cast<ssize_t>(sizeof id)) {
        ids.push_back(id);
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &id, sizeof id) == static_cast<ssize_t>(sizeof id)) {
        ids.push_back(id);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    return ids;
}

TEST(DirectoryCrash, no_prekey_is_given_twice_though_the_server_is_killed_while_it_gives_them) {
    const auto root = std::filesystem::temp_directory_path() / ("melder-take-" + std::to_string(::getpid()));
    std::filesystem::create_directories(root);
    {
        OpenStore open(root);
        PrekeyPut put;
        put.signed_prekey.emplace().id = 1;
        for (std::uint32_t id = 1; id <= stock; ++id)
            put.one_time.emplace_back().id = id;
        ASSERT_TRUE(wait_for<std::uint32_t>([&](auto executor, auto done) {
                        open.store.put_prekeys(put, executor, done);
                    }).has_value());
    }
    std::set<std::uint32_t> given;
    for (int round = 0; round < 3; ++round) {
        for (const auto id : take_until_killed(root, 20))
            EXPECT_TRUE(given.insert(id).second) << id;
    }
    EXPECT_GE(given.size(), 60u);
    OpenStore open(root);
    while (const auto prekey = open.take())
        EXPECT_TRUE(given.insert(prekey->id).second) << prekey->id;
    // What was taken but never told is lost; that is the right side to err on.
    EXPECT_LE(given.size(), stock);
    std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace melder::server
