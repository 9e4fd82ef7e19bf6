// Every single allocation of libsignal-protocol-c fails once, each in a process of its own. The library has places that
// crash then; where it does not, the operation must end with `out_of_memory`, have written nothing, and work when it is
// tried again.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>

#include "tests/sdk/crypto/library_import.hpp"
#include "tests/sdk/crypto/session_device.hpp"

namespace melder::sdk::testing {
namespace {

int until_failure = 0;  ///< 0: none is left to fail
bool fails_now() {
    return until_failure > 0 && --until_failure == 0;
}
void* failing_malloc(std::size_t size) {
    return fails_now() ? nullptr : std::malloc(size);
}
void* failing_calloc(std::size_t count, std::size_t size) {
    return fails_now() ? nullptr : std::calloc(count, size);
}
void* failing_realloc(void* block, std::size_t size) {
    return fails_now() ? nullptr : std::realloc(block, size);
}

enum Outcome : int { clean = 0, no_failure_left = 1, wrong_error = 2, wrote = 3, not_repeatable = 4, wrong_result = 5 };

class AllocationFailure : public ::testing::Test {
protected:
    Device anna{system_random()};
    Device ben{system_random()};

    void SetUp() override {
        anna.begin(ben);
        ben.take(anna, anna.send(ben, "1"));
        anna.take(ben, ben.send(anna, "2"));
    }

    /// `run` answers whether it gave the right result, or its error.
    void expect_clean_failures(const std::function<Result<bool>()>& run) {
        int seen = 0;
        int crashes = 0;
        for (int nth = 1;; ++nth) {
            const int status = in_a_child(nth, run);
            if (WIFSIGNALED(status)) {
                EXPECT_TRUE(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGABRT) << WTERMSIG(status);
                ++crashes;  // of the library; the operation wrote nothing either
                continue;
            }
            const int outcome = WEXITSTATUS(status);
            if (outcome == no_failure_left) break;
            EXPECT_EQ(outcome, clean) << "allocation " << nth;
            ++seen;
        }
        EXPECT_GT(seen, 20);
        RecordProperty("crashes", crashes);
    }

private:
    static Bytes copy_of(const Device& device) {
        Bytes all;
        for (const auto& [peer, record] : device.store.sessions)
            all.insert(all.end(), record.expose().begin(), record.expose().end());
        all.push_back(static_cast<Byte>(device.store.one_time.size()));
        all.push_back(static_cast<Byte>(device.store.identities.size()));
        return all;
    }
    int in_a_child(int nth, const std::function<Result<bool>()>& run) {
        const pid_t child = ::fork();
        if (child == 0) {
            for (const int number : {SIGSEGV, SIGABRT})
                std::signal(number, SIG_DFL);
            // "Assertion failed", from the library
            if (std::freopen("/dev/null", "w", stderr) == nullptr) std::abort();
            ::_exit(outcome_of(nth, run));
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return status;
    }
    int outcome_of(int nth, const std::function<Result<bool>()>& run) {
        const LibraryImport first("malloc", reinterpret_cast<void*>(failing_malloc));
        const LibraryImport second("calloc", reinterpret_cast<void*>(failing_calloc));
        const LibraryImport third("realloc", reinterpret_cast<void*>(failing_realloc));
        const auto before = copy_of(anna);
        const auto before_ben = copy_of(ben);
        until_failure = nth;
        const auto result = run();
        if (until_failure > 0) return no_failure_left;
        if (copy_of(anna) != before || copy_of(ben) != before_ben) return wrote;
        if (result.has_error() && result.error().code() != Errc::out_of_memory) return wrong_error;
        if (result.has_value() && !*result) return wrong_result;
        const auto again = run();
        return again.has_value() && *again ? clean : not_repeatable;
    }
};

TEST_F(AllocationFailure, of_a_bundle) {
    Device carla{system_random()};
    const auto bundle = carla.bundle();
    expect_clean_failures([&]() -> Result<bool> {
        MELDER_TRY(const auto writes, anna.layer.process_bundle(carla.certified(), bundle));
        return writes.session_record.has_value() && writes.trusted_identity.has_value();
    });
}

TEST_F(AllocationFailure, of_encrypting) {
    expect_clean_failures([&]() -> Result<bool> {
        MELDER_TRY(const auto sent, anna.layer.encrypt(ben.certified(), view("Text")));
        MELDER_TRY(const auto opened, ben.layer.decrypt(anna.certified(), sent.type, sent.message));
        return as_chars(opened.plaintext.expose()) == "Text";
    });
}

TEST_F(AllocationFailure, of_decrypting_after_a_turn_of_the_ratchet) {
    const auto sent = anna.send(ben, "Text");
    expect_clean_failures([&]() -> Result<bool> {
        MELDER_TRY(const auto opened, ben.open(anna, sent));
        return as_chars(opened.plaintext.expose()) == "Text" && opened.writes.session_record.has_value();
    });
}

TEST_F(AllocationFailure, of_decrypting_a_first_message) {
    Device carla{system_random()};
    carla.begin(ben, false);
    const auto sent = carla.send(ben, "Text");
    expect_clean_failures([&]() -> Result<bool> {
        MELDER_TRY(const auto opened, ben.open(carla, sent));
        return as_chars(opened.plaintext.expose()) == "Text" && opened.writes.remembered_base_key.has_value();
    });
}

}  // namespace
}  // namespace melder::sdk::testing
