// How skipped keys age, and how records are read without the library.

#include "sdk/crypto/session_record.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "tests/sdk/crypto/session_device.hpp"

namespace melder::sdk::testing {
namespace {

constexpr auto day = std::chrono::hours(24);

struct SessionRecord : ::testing::Test {
    Device anna{system_random()};
    Device ben{system_random()};

    SessionRecord() {
        anna.begin(ben);
        ben.take(anna, anna.send(ben, "1"));
        anna.take(ben, ben.send(anna, "2"));
        ben.take(anna, anna.send(ben, "3"));
    }
    /// One message that ben does not get, then one that he gets.
    Device::Sent skip_one() {
        auto held_back = anna.send(ben, "liegen geblieben");
        ben.take(anna, anna.send(ben, "da"));
        return held_back;
    }
    [[nodiscard]] KeptRecord kept() const { return KeptRecord::split(ben.store.sessions.at(anna.id).expose()).value(); }
    [[nodiscard]] std::size_t skipped() const {
        return SessionRecordView::parse(kept().record.expose()).value().skipped_keys();
    }
};

TEST_F(SessionRecord, a_skipped_key_opens_its_message_as_long_as_a_server_may_hold_it) {
    const auto late = skip_one();
    ben.store.time = ben.store.time + limits::skipped_keys_longest;
    ben.take(anna, anna.send(ben, "da"));
    EXPECT_EQ(as_chars(ben.take(anna, late).expose()), "liegen geblieben");
}

TEST_F(SessionRecord, a_skipped_key_leaves_with_the_next_message_after_that) {
    const auto late = skip_one();
    EXPECT_EQ(skipped(), 1u);
    ben.store.time = ben.store.time + limits::skipped_keys_longest + 2 * day;
    ben.take(anna, anna.send(ben, "da"));
    EXPECT_EQ(skipped(), 0u);
    EXPECT_TRUE(kept().marks.empty());
    EXPECT_EQ(ben.open(anna, late).error().code(), Errc::replayed);
    EXPECT_EQ(as_chars(ben.take(anna, anna.send(ben, "weiter")).expose()), "weiter");
}

TEST_F(SessionRecord, sending_lets_old_skipped_keys_go_too) {
    static_cast<void>(skip_one());
    ben.store.time = ben.store.time + limits::skipped_keys_longest + 2 * day;
    static_cast<void>(ben.send(anna, "Antwort"));
    EXPECT_EQ(skipped(), 0u);
}

TEST_F(SessionRecord, only_keys_that_were_skipped_before_that_day_leave) {
    static_cast<void>(skip_one());
    ben.store.time = ben.store.time + 10 * day;
    const auto later = skip_one();
    EXPECT_EQ(skipped(), 2u);
    ben.store.time = ben.store.time + limits::skipped_keys_longest - 5 * day;
    ben.take(anna, anna.send(ben, "da"));
    EXPECT_EQ(skipped(), 1u);
    EXPECT_EQ(as_chars(ben.take(anna, later).expose()), "liegen geblieben");
}

TEST_F(SessionRecord, keys_skipped_on_one_day_share_a_mark) {
    for (int i = 0; i < 5; ++i)
        static_cast<void>(skip_one());
    EXPECT_EQ(skipped(), 5u);
    EXPECT_EQ(kept().marks.size(), 1u);
}

TEST_F(SessionRecord, while_the_time_is_not_known_nothing_is_marked_and_nothing_leaves) {
    ben.store.time = UnixTime{};
    const auto late = skip_one();
    EXPECT_TRUE(kept().marks.empty());
    ben.store.time = UnixTime{1'900'000'000'000};
    ben.take(anna, anna.send(ben, "da"));
    EXPECT_EQ(as_chars(ben.take(anna, late).expose()), "liegen geblieben");
}

TEST_F(SessionRecord, a_record_without_skipped_keys_rests_as_the_library_wrote_it) {
    const auto before = kept();
    EXPECT_TRUE(before.marks.empty());
    EXPECT_EQ(before.record.size(), ben.store.sessions.at(anna.id).size());
}

TEST_F(SessionRecord, a_record_cut_off_anywhere_inside_a_state_is_unreadable) {
    const auto record = to_bytes(kept().record.expose());
    for (std::size_t size = 1; size < record.size(); size += 7) {
        const auto view = SessionRecordView::parse(BytesView(record).first(size));
        ASSERT_TRUE(view.has_error()) << size;
        EXPECT_EQ(view.error().code(), Errc::vault_unreadable);
    }
}

}  // namespace
}  // namespace melder::sdk::testing
