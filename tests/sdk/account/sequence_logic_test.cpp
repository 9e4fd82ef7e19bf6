#include "sdk/account/sequence_logic.hpp"

#include <gtest/gtest.h>

#include "sdk/account/sent_runs.hpp"

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;
using Tokens = std::vector<SequenceLogic::Token>;

class SequenceLogicTest : public testing::Test {
protected:
    SequenceLogic logic;
    BootTime now{1'000'000};
    StreamKey normal{EnrolmentId{}, OfficerId{}, Lane::normal};
    StreamKey urgent{EnrolmentId{}, OfficerId{}, Lane::urgent};
    void begin() { ASSERT_EQ(logic.on_arrival(normal, 1, 1, now).release, Tokens{1}); }
};

TEST_F(SequenceLogicTest, messages_in_order_pass_at_once) {
    begin();
    EXPECT_EQ(logic.on_arrival(normal, 2, 2, now).release, Tokens{2});
}

TEST_F(SequenceLogicTest, one_that_overtook_waits_for_its_predecessor) {
    begin();
    EXPECT_TRUE(logic.on_arrival(normal, 3, 3, now).release.empty());
    EXPECT_EQ(logic.on_arrival(normal, 2, 2, now).release, (Tokens{2, 3}));
}

TEST_F(SequenceLogicTest, holding_back_ends_after_two_seconds) {
    begin();
    (void)logic.on_arrival(normal, 3, 3, now);
    EXPECT_EQ(logic.next_deadline(), now + 2s);
    EXPECT_TRUE(logic.on_tick(now + 1999ms).release.empty());
    EXPECT_EQ(logic.on_tick(now + 2s).release, Tokens{3});
}

TEST_F(SequenceLogicTest, holding_back_ends_with_the_empty_mailbox_of_its_lane) {
    begin();
    (void)logic.on_arrival(normal, 3, 3, now);
    EXPECT_TRUE(logic.on_mailbox_empty(Lane::keys, now).release.empty());
    EXPECT_EQ(logic.on_mailbox_empty(Lane::normal, now).release, Tokens{3});
}

TEST_F(SequenceLogicTest, urgent_messages_are_never_held_back) {
    (void)logic.on_arrival(urgent, 1, 1, now);
    EXPECT_EQ(logic.on_arrival(urgent, 3, 3, now).release, Tokens{3});
}

TEST_F(SequenceLogicTest, a_gap_is_reported_once_after_a_minute_with_an_empty_mailbox) {
    begin();
    (void)logic.on_mailbox_empty(Lane::normal, now);
    (void)logic.on_arrival(normal, 4, 4, now);
    EXPECT_EQ(logic.on_tick(now + 2s).release, Tokens{4});
    EXPECT_TRUE(logic.on_tick(now + 61s).gaps.empty());  // missing only since it was passed, two seconds in
    const auto gaps = logic.on_tick(now + 62s).gaps;
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].first, 2U);
    EXPECT_EQ(gaps[0].last, 3U);
    EXPECT_FALSE(gaps[0].expired);
    EXPECT_TRUE(logic.on_tick(now + 10min).gaps.empty());
}

TEST_F(SequenceLogicTest, no_gap_is_reported_while_the_mailbox_may_still_hold_it) {
    begin();
    (void)logic.on_mailbox_empty(Lane::normal, now);
    (void)logic.on_arrival(normal, 3, 3, now);
    (void)logic.on_tick(now + 2s);
    logic.on_disconnected();
    EXPECT_TRUE(logic.on_tick(now + 10min).gaps.empty());
    (void)logic.on_mailbox_empty(Lane::normal, now + 11min);
    EXPECT_TRUE(logic.on_tick(now + 11min + 59s).gaps.empty());
    EXPECT_EQ(logic.on_tick(now + 12min).gaps.size(), 1U);
}

TEST_F(SequenceLogicTest, a_late_message_closes_its_part_of_the_gap) {
    begin();
    (void)logic.on_mailbox_empty(Lane::normal, now);
    (void)logic.on_arrival(normal, 5, 5, now);
    (void)logic.on_tick(now + 2s);
    EXPECT_EQ(logic.on_arrival(normal, 3, 3, now + 3s).release, Tokens{3});
    const auto gaps = logic.on_tick(now + 2min).gaps;
    ASSERT_EQ(gaps.size(), 2U);
    EXPECT_EQ(gaps[0].first, 2U);
    EXPECT_EQ(gaps[0].last, 2U);
    EXPECT_EQ(gaps[1].first, 4U);
    EXPECT_EQ(gaps[1].last, 4U);
}

TEST_F(SequenceLogicTest, what_the_sender_calls_expired_is_told_apart_from_a_gap) {
    begin();
    (void)logic.on_mailbox_empty(Lane::normal, now);
    const auto expired = logic.on_progress(normal, 6, 4, now).gaps;
    ASSERT_EQ(expired.size(), 1U);
    EXPECT_EQ(expired[0].first, 2U);
    EXPECT_EQ(expired[0].last, 3U);
    EXPECT_TRUE(expired[0].expired);
    const auto gaps = logic.on_tick(now + 60s).gaps;
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].first, 4U);
    EXPECT_EQ(gaps[0].last, 6U);
    EXPECT_FALSE(gaps[0].expired);
}

TEST_F(SequenceLogicTest, a_heartbeat_shows_that_the_last_messages_are_missing) {
    begin();
    (void)logic.on_mailbox_empty(Lane::normal, now);
    EXPECT_TRUE(logic.on_progress(normal, 2, 1, now).gaps.empty());
    EXPECT_EQ(logic.on_tick(now + 60s).gaps.size(), 1U);
}

TEST_F(SequenceLogicTest, the_first_number_seen_is_the_beginning) {
    EXPECT_EQ(logic.on_arrival(normal, 17, 1, now).release, Tokens{1});
    (void)logic.on_mailbox_empty(Lane::normal, now);
    EXPECT_TRUE(logic.on_tick(now + 10min).gaps.empty());
}

TEST_F(SequenceLogicTest, a_restored_stream_still_sees_what_is_missing_after_it) {
    logic.restore({normal.sender, normal.conversation, normal.lane, 5, {}}, now);
    (void)logic.on_arrival(normal, 7, 7, now);
    EXPECT_EQ(logic.on_mailbox_empty(Lane::normal, now).release, Tokens{7});
    EXPECT_EQ(logic.on_tick(now + 60s).gaps.size(), 1U);
}

TEST_F(SequenceLogicTest, a_row_names_what_has_arrived_and_what_has_not) {
    begin();
    (void)logic.on_arrival(normal, 3, 3, now);  // held back
    (void)logic.on_arrival(normal, 6, 6, now);
    const auto row = logic.row(normal);
    EXPECT_EQ(row.highest, 6U);
    EXPECT_EQ(row.missing, (std::vector<SequenceRange>{{2, 2}, {4, 5}}));
    EXPECT_EQ(logic.row(urgent).highest, 0U);
}

TEST_F(SequenceLogicTest, what_was_missing_before_a_restart_is_missed_after_it) {
    logic.restore({normal.sender, normal.conversation, normal.lane, 6, {{2, 2}, {4, 5}}}, now);
    EXPECT_EQ(logic.on_arrival(normal, 2, 2, now).release, Tokens{2}) << "a late one is given on at once";
    EXPECT_EQ(logic.on_arrival(normal, 6, 6, now).release, Tokens{6}) << "a redelivered one as well";
    (void)logic.on_mailbox_empty(Lane::normal, now);
    const auto gaps = logic.on_tick(now + 60s).gaps;
    ASSERT_EQ(gaps.size(), 1U);
    EXPECT_EQ(gaps[0].first, 4U);
    EXPECT_EQ(gaps[0].last, 5U);
    EXPECT_TRUE(logic.row(normal).missing.empty()) << "told once";
}

TEST(SentRuns, messages_that_end_together_share_a_run) {
    std::vector<SentRun> runs;
    const UnixTime noon{1'800'000'000'000};
    add_sent(runs, 1, noon);
    add_sent(runs, 2, noon);
    add_sent(runs, 3, noon + 1h);
    EXPECT_EQ(runs, (std::vector<SentRun>{{2, noon}, {3, noon + 1h}}));
    EXPECT_EQ(lowest_unexpired(runs, 3, noon - 1ms), 1U);
    EXPECT_EQ(lowest_unexpired(runs, 3, noon), 3U);
    EXPECT_EQ(lowest_unexpired(runs, 3, noon + 1h), 4U);
}

TEST(SentRuns, a_short_lived_message_behind_a_long_lived_one_does_not_hide_it) {
    std::vector<SentRun> runs;
    const UnixTime noon{1'800'000'000'000};
    add_sent(runs, 1, noon + 24h);
    add_sent(runs, 2, noon);
    EXPECT_EQ(lowest_unexpired(runs, 2, noon + 1h), 1U);
}

TEST(SentRuns, stay_few_and_count_what_is_unsure_as_not_expired) {
    std::vector<SentRun> runs;
    const UnixTime noon{1'800'000'000'000};
    for (std::uint64_t n = 1; n <= 200; ++n)
        add_sent(runs, n, noon + std::chrono::hours(n));
    EXPECT_EQ(runs.size(), sent_runs_longest);
    for (std::uint64_t n = 1; n <= 200; ++n)
        EXPECT_LE(lowest_unexpired(runs, 200, noon + std::chrono::hours(n)), n + 1);
    EXPECT_EQ(lowest_unexpired(runs, 200, noon + std::chrono::hours(200)), 201U);
}

TEST_F(SequenceLogicTest, a_peer_that_skips_numbers_does_not_grow_memory) {
    begin();
    std::size_t released = 0;
    std::size_t gaps = 0;
    for (std::uint64_t n = 1; n < 5000; ++n) {
        const auto out = logic.on_arrival(normal, 2 * n + 1, n, now);
        released += out.release.size();
        gaps += out.gaps.size();
    }
    EXPECT_GE(released, 4999 - SequenceLogic::held_per_stream);
    EXPECT_GE(gaps, released - SequenceLogic::ranges_per_stream - 1);
}

}  // namespace
}  // namespace melder::sdk
