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
    UnixTime now{1'800'000'000'000};
    UnixTime lost_at = now + 24h;
};

TEST_F(RepairLogicTest, an_undecryptable_message_is_asked_for_once) {
    EXPECT_EQ(count<AskResend>(logic.on_undecryptable(higher, first, {}, lost_at)), 1U);
    EXPECT_TRUE(logic.on_undecryptable(higher, first, {}, lost_at).empty());
}

TEST_F(RepairLogicTest, the_lower_id_starts_the_new_session_and_the_other_asks) {
    const auto with_higher = logic.on_broken_session(higher, first, now);
    EXPECT_EQ(count<StartSession>(with_higher), 1U);
    EXPECT_EQ(count<AskSession>(with_higher), 0U);
    const auto with_lower = logic.on_broken_session(lower, first, now);
    EXPECT_EQ(count<StartSession>(with_lower), 0U);
    EXPECT_EQ(count<AskSession>(with_lower), 1U);
}

TEST_F(RepairLogicTest, a_session_is_repaired_at_most_once_an_hour_and_peer) {
    EXPECT_EQ(count<StartSession>(logic.on_broken_session(higher, first, now)), 1U);
    EXPECT_TRUE(logic.on_broken_session(higher, second, now + 59min).empty());
    EXPECT_EQ(count<StartSession>(logic.on_broken_session(higher, second, now + 60min)), 1U);
}

TEST_F(RepairLogicTest, a_request_for_a_session_is_obeyed_by_the_lower_id_alone_and_within_the_same_limit) {
    EXPECT_EQ(count<StartSession>(logic.on_session_request(higher, now)), 1U);
    EXPECT_TRUE(logic.on_session_request(higher, now + 1min).empty());
    EXPECT_TRUE(logic.on_session_request(lower, now).empty());
}

TEST_F(RepairLogicTest, a_peer_that_cannot_send_again_makes_a_lost_message) {
    (void)logic.on_undecryptable(higher, first, {}, lost_at);
    EXPECT_EQ(count<ReportLost>(logic.on_lost(higher, first)), 1U);
    EXPECT_TRUE(logic.on_lost(higher, first).empty());
    EXPECT_TRUE(logic.on_lost(lower, second).empty());
}

TEST_F(RepairLogicTest, a_request_that_nobody_answers_is_lost_at_its_time_and_never_silent) {
    (void)logic.on_undecryptable(higher, first, {}, lost_at);
    EXPECT_EQ(logic.next_deadline(), lost_at);
    EXPECT_TRUE(logic.on_tick(lost_at - 1ms).empty());
    EXPECT_EQ(count<ReportLost>(logic.on_tick(lost_at)), 1U);
    EXPECT_FALSE(logic.next_deadline());
}

TEST_F(RepairLogicTest, a_request_that_was_answered_is_not_lost) {
    (void)logic.on_undecryptable(higher, first, {}, lost_at);
    EXPECT_FALSE(logic.on_resent(lower, first)) << "somebody else's answer";
    EXPECT_TRUE(logic.on_resent(higher, first));
    EXPECT_TRUE(logic.on_tick(now + 48h).empty());
}

TEST_F(RepairLogicTest, a_resend_that_cannot_be_read_either_is_lost_and_not_asked_for) {
    (void)logic.on_undecryptable(higher, first, {}, lost_at);
    const auto actions = logic.on_undecryptable(higher, second, first, lost_at);
    ASSERT_EQ(actions.size(), 1U);
    EXPECT_EQ(std::get<ReportLost>(actions[0]).envelope, first);
    EXPECT_TRUE(logic.on_undecryptable(higher, id<EnvelopeId>(3), first, lost_at).empty()) << "nobody waits for it";
}

TEST_F(RepairLogicTest, what_was_open_before_a_restart_is_still_waited_for) {
    logic.restore(higher, first, lost_at);
    EXPECT_TRUE(logic.waits_for(higher, first));
    EXPECT_EQ(count<ReportLost>(logic.on_tick(lost_at)), 1U);
}

TEST_F(RepairLogicTest, a_peer_does_not_make_this_device_remember_without_bound) {
    for (std::size_t n = 0; n < RepairLogic::open_requests; ++n) {
        ByteArray<EnvelopeId::size_bytes> bytes{};
        bytes[1] = static_cast<std::uint8_t>(n);
        bytes[2] = static_cast<std::uint8_t>(1 + (n >> 8));
        ASSERT_EQ(count<AskResend>(logic.on_undecryptable(higher, EnvelopeId(bytes), {}, lost_at)), 1U);
    }
    EXPECT_EQ(count<ReportLost>(logic.on_undecryptable(higher, first, {}, lost_at)), 1U);
    EXPECT_FALSE(logic.waits_for(higher, first));
}

TEST_F(RepairLogicTest, a_resend_is_given_once_per_envelope_and_requester) {
    EXPECT_EQ(count<SendAgain>(logic.on_resend_request(higher, first, true)), 1U);
    EXPECT_TRUE(logic.on_resend_request(higher, first, true).empty());
    EXPECT_EQ(count<SendAgain>(logic.on_resend_request(lower, first, true)), 1U);
}

TEST_F(RepairLogicTest, a_resend_that_failed_here_may_be_asked_for_once_more) {
    (void)logic.on_resend_request(higher, first, true);
    logic.on_resend_failed(higher, first);
    EXPECT_EQ(count<SendAgain>(logic.on_resend_request(higher, first, true)), 1U);
}

TEST_F(RepairLogicTest, who_was_no_recipient_gets_no_content_but_an_answer) {
    const auto actions = logic.on_resend_request(higher, first, false);
    EXPECT_EQ(count<SendAgain>(actions), 0U);
    EXPECT_EQ(count<SendLost>(actions), 1U);
}

}  // namespace
}  // namespace melder::sdk
