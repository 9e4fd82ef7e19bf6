#include "sdk/account/repair_logic.hpp"

#include <gtest/gtest.h>

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;

template <class IdType>
IdType id(std::uint8_t n) {
    ByteArray<IdType::size_bytes> bytes{};
    bytes[0] = n;
    return IdType(bytes);
}
template <class T>
std::size_t count(const RepairLogic::Actions& actions) {
    std::size_t n = 0;
    for (const auto& action : actions)
        n += std::holds_alternative<T>(action) ? 1 : 0;
    return n;
}

class RepairLogicTest : public testing::Test {
protected:
    const EnrolmentId self = id<EnrolmentId>(5), lower = id<EnrolmentId>(1), higher = id<EnrolmentId>(9);
    const EnvelopeId first = id<EnvelopeId>(1), second = id<EnvelopeId>(2);
    RepairLogic logic{self};
    BootTime now{1'000'000};
    UnixTime time{1'800'000'000'000};
    UnixTime expiry = time + std::chrono::hours(300);
};

TEST_F(RepairLogicTest, an_undecryptable_message_is_asked_for_once) {
    EXPECT_EQ(count<AskResend>(logic.on_undecryptable(higher, first, true, expiry, now)), 1U);
    EXPECT_TRUE(logic.on_undecryptable(higher, first, true, expiry, now).empty());
}

TEST_F(RepairLogicTest, the_lower_id_starts_the_new_session_and_the_other_asks) {
    const auto with_higher = logic.on_undecryptable(higher, first, true, expiry, now);
    EXPECT_EQ(count<StartSession>(with_higher), 1U);
    EXPECT_EQ(count<AskSession>(with_higher), 0U);
    const auto with_lower = logic.on_undecryptable(lower, first, true, expiry, now);
    EXPECT_EQ(count<StartSession>(with_lower), 0U);
    EXPECT_EQ(count<AskSession>(with_lower), 1U);
}

TEST_F(RepairLogicTest, a_session_is_repaired_at_most_once_an_hour_and_peer) {
    EXPECT_EQ(count<StartSession>(logic.on_undecryptable(higher, first, true, expiry, now)), 1U);
    const auto soon = logic.on_undecryptable(higher, second, true, expiry, now + 59min);
    EXPECT_EQ(count<StartSession>(soon), 0U);
    EXPECT_EQ(count<AskResend>(soon), 1U);
    EXPECT_EQ(count<StartSession>(logic.on_undecryptable(higher, id<EnvelopeId>(3), true, expiry, now + 60min)), 1U);
}

TEST_F(RepairLogicTest, a_request_for_a_session_is_obeyed_by_the_lower_id_alone_and_within_the_same_limit) {
    EXPECT_EQ(count<StartSession>(logic.on_session_request(higher, now)), 1U);
    EXPECT_TRUE(logic.on_session_request(higher, now + 1min).empty());
    EXPECT_TRUE(logic.on_session_request(lower, now).empty());
}

TEST_F(RepairLogicTest, a_peer_that_cannot_send_again_makes_a_lost_message) {
    (void)logic.on_undecryptable(higher, first, true, expiry, now);
    EXPECT_EQ(count<ReportLost>(logic.on_lost(higher, first)), 1U);
    EXPECT_TRUE(logic.on_lost(higher, first).empty());
    EXPECT_TRUE(logic.on_lost(lower, second).empty());
}

TEST_F(RepairLogicTest, a_request_that_nobody_answers_is_lost_after_a_day_and_never_silent) {
    (void)logic.on_undecryptable(higher, first, true, expiry, now);
    EXPECT_TRUE(logic.on_tick(time, now + 23h).empty());
    EXPECT_EQ(count<ReportLost>(logic.on_tick(time, now + 24h)), 1U);
}

TEST_F(RepairLogicTest, a_request_that_was_answered_is_not_lost) {
    (void)logic.on_undecryptable(higher, first, true, expiry, now);
    logic.on_resent(higher);
    EXPECT_TRUE(logic.on_tick(time, now + 48h).empty());
}

TEST_F(RepairLogicTest, a_resend_is_given_once_per_envelope_and_requester) {
    EXPECT_EQ(count<SendAgain>(logic.on_resend_request(higher, first, true)), 1U);
    EXPECT_TRUE(logic.on_resend_request(higher, first, true).empty());
    EXPECT_EQ(count<SendAgain>(logic.on_resend_request(lower, first, true)), 1U);
}

TEST_F(RepairLogicTest, who_was_no_recipient_gets_no_content_but_an_answer) {
    const auto actions = logic.on_resend_request(higher, first, false);
    EXPECT_EQ(count<SendAgain>(actions), 0U);
    EXPECT_EQ(count<SendLost>(actions), 1U);
}

}  // namespace
}  // namespace melder::sdk
