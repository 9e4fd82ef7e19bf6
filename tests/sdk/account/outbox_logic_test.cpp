#include "sdk/account/outbox_logic.hpp"

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
std::vector<T> all(const OutboxLogic::Actions& actions) {
    std::vector<T> out;
    for (const auto& action : actions) {
        if (const auto* found = std::get_if<T>(&action)) out.push_back(*found);
    }
    return out;
}

class OutboxLogicTest : public testing::Test {
protected:
    SeededRandom random{1};
    OutboxLogic logic{random};
    UnixTime now{1'800'000'000'000};
    const ContentId content = id<ContentId>(1);
    const EnvelopeId first = id<EnvelopeId>(1), second = id<EnvelopeId>(2), third = id<EnvelopeId>(3);
    const EnrolmentId phone = id<EnrolmentId>(10), tablet = id<EnrolmentId>(11), own = id<EnrolmentId>(12);

    OutboxUpload upload(const EnvelopeId& envelope, const ContentId& message) const {
        return {envelope, message, Lane::normal, now + 1h, 1000, {phone}, {}, true};
    }
    std::vector<EnvelopeId> submitted(const OutboxLogic::Actions& actions) const {
        std::vector<EnvelopeId> out;
        for (const auto& submit : all<SubmitEnvelope>(actions))
            out.push_back(submit.envelope);
        return out;
    }
    void connect() { ASSERT_TRUE(logic.on_connected(64, 1 << 20, now).empty()); }
    void add_message_and_own_copy() {
        auto copy = upload(second, content);
        copy.recipients = {};
        copy.own_devices = {own};
        (void)logic.add(upload(first, content), now);
        (void)logic.add(copy, now);
    }
    using Ids = std::vector<EnvelopeId>;
};

TEST_F(OutboxLogicTest, what_was_written_offline_is_sent_in_order_once_connected) {
    EXPECT_TRUE(logic.add(upload(third, id<ContentId>(1)), now).empty());
    EXPECT_TRUE(logic.add(upload(first, id<ContentId>(2)), now).empty());
    EXPECT_EQ(submitted(logic.on_connected(64, 1 << 20, now)), (Ids{third, first}));
}

TEST_F(OutboxLogicTest, an_unanswered_upload_is_sent_again_under_the_same_id_after_a_reconnect) {
    connect();
    EXPECT_EQ(submitted(logic.add(upload(first, content), now)), Ids{first});
    logic.on_disconnected();
    EXPECT_EQ(submitted(logic.on_connected(64, 1 << 20, now)), Ids{first});
}

TEST_F(OutboxLogicTest, an_acknowledged_upload_is_reported_as_stored_once_and_not_sent_again) {
    connect();
    (void)logic.add(upload(first, content), now);
    const auto actions = logic.on_result(first, phone, 0, 0ms, now);
    EXPECT_EQ(all<ReportStored>(actions).size(), 1U);
    EXPECT_EQ(all<DropUpload>(actions).size(), 1U);
    EXPECT_TRUE(all<DropContent>(actions).empty());  // kept for re-encryption until it is delivered
    logic.on_disconnected();
    EXPECT_TRUE(logic.on_connected(64, 1 << 20, now).empty());
    EXPECT_TRUE(logic.on_result(first, phone, 0, 0ms, now).empty());
}

TEST_F(OutboxLogicTest, busy_is_retried_no_earlier_than_the_server_asked) {
    connect();
    (void)logic.add(upload(first, content), now);
    EXPECT_TRUE(logic.on_result(first, phone, static_cast<std::uint32_t>(Errc::busy), 5000ms, now).empty());
    EXPECT_TRUE(logic.on_tick(now + 4999ms).empty());
    EXPECT_EQ(submitted(logic.on_tick(now + 6s)), Ids{first});
}

TEST_F(OutboxLogicTest, one_that_waits_holds_back_its_own_lane_only) {
    connect();
    (void)logic.add(upload(first, content), now);
    (void)logic.on_result(first, phone, static_cast<std::uint32_t>(Errc::rate_limited), 5000ms, now);
    EXPECT_TRUE(logic.add(upload(second, id<ContentId>(2)), now).empty());
    auto urgent = upload(third, id<ContentId>(3));
    urgent.lane = Lane::urgent;
    EXPECT_EQ(submitted(logic.add(urgent, now)), Ids{third});
}

TEST_F(OutboxLogicTest, no_more_is_in_flight_than_the_credit_allows) {
    (void)logic.on_connected(1, 1 << 20, now);
    EXPECT_EQ(submitted(logic.add(upload(first, content), now)), Ids{first});
    EXPECT_TRUE(logic.add(upload(second, id<ContentId>(2)), now).empty());
    EXPECT_EQ(submitted(logic.on_result(first, phone, 0, 0ms, now)), Ids{second});
}

TEST_F(OutboxLogicTest, mismatched_devices_are_repaired_under_a_new_envelope_id_with_the_same_content_id) {
    connect();
    (void)logic.add(upload(first, content), now);
    const auto wanted = all<Reencrypt>(logic.on_mismatched(first, now));
    ASSERT_EQ(wanted.size(), 1U);
    EXPECT_EQ(wanted[0].content, content);
    EXPECT_EQ(wanted[0].instead_of, first);
    auto repaired = upload(second, content);
    repaired.recipients = {tablet};
    const auto actions = logic.on_reencrypted(content, first, repaired, now);
    EXPECT_EQ(submitted(actions), Ids{second});
    EXPECT_EQ(all<DropUpload>(actions).size(), 1U);
    EXPECT_FALSE(logic.was_recipient(second, phone));
    EXPECT_TRUE(logic.was_recipient(second, tablet));
}

TEST_F(OutboxLogicTest, a_server_that_mismatches_for_ever_ends_in_a_failure) {
    connect();
    (void)logic.add(upload(first, content), now);
    auto current = first;
    OutboxLogic::Actions actions;
    for (std::uint8_t round = 0; round < 20; ++round) {
        actions = logic.on_mismatched(current, now);
        if (all<Reencrypt>(actions).empty()) break;
        const auto next = id<EnvelopeId>(static_cast<std::uint8_t>(100 + round));
        (void)logic.on_reencrypted(content, current, upload(next, content), now);
        current = next;
    }
    const auto failed = all<ReportFailed>(actions);
    ASSERT_FALSE(failed.empty());
    EXPECT_EQ(failed.back().reason, Errc::mismatched_devices);
    EXPECT_FALSE(failed.back().device);
    EXPECT_FALSE(logic.knows(content));
}

TEST_F(OutboxLogicTest, a_message_re_encrypted_after_its_end_is_not_sent) {
    connect();
    (void)logic.add(upload(first, content), now);
    (void)logic.on_mismatched(first, now);
    (void)logic.on_tick(now + 2h);
    EXPECT_TRUE(submitted(logic.on_reencrypted(content, first, upload(second, content), now + 2h)).empty());
}

TEST_F(OutboxLogicTest, a_delivered_receipt_ends_the_message_and_releases_its_content) {
    connect();
    (void)logic.add(upload(first, content), now);
    (void)logic.on_result(first, phone, 0, 0ms, now);
    const auto actions = logic.on_delivered(content, phone, now);
    EXPECT_EQ(all<ReportDelivered>(actions).size(), 1U);
    EXPECT_EQ(all<DropContent>(actions).size(), 1U);
    EXPECT_TRUE(logic.on_delivered(content, phone, now).empty());
}

TEST_F(OutboxLogicTest, a_receipt_from_a_device_that_was_not_addressed_changes_nothing) {
    connect();
    (void)logic.add(upload(first, content), now);
    EXPECT_TRUE(logic.on_delivered(content, tablet, now).empty());
    EXPECT_TRUE(logic.knows(content));
}

TEST_F(OutboxLogicTest, time_passed_without_a_receipt_is_expired_even_when_it_was_stored) {
    connect();
    (void)logic.add(upload(first, content), now);
    (void)logic.on_result(first, phone, 0, 0ms, now);
    EXPECT_EQ(logic.next_deadline(), now + 1h);
    EXPECT_EQ(logic.next_deadline(10min), now + 70min);
    EXPECT_TRUE(logic.on_tick(now + 59min).empty());
    const auto actions = logic.on_tick(now + 1h);
    EXPECT_EQ(all<ReportExpired>(actions).size(), 1U);
    EXPECT_EQ(all<DropContent>(actions).size(), 1U);
}

TEST_F(OutboxLogicTest, quota_fails_that_device_and_the_message_only_when_no_device_is_left) {
    connect();
    auto both = upload(first, content);
    both.recipients = {phone, tablet};
    (void)logic.add(both, now);
    const auto code = static_cast<std::uint32_t>(Errc::quota_exceeded);
    auto failed = all<ReportFailed>(logic.on_result(first, phone, code, 0ms, now));
    ASSERT_EQ(failed.size(), 1U);
    EXPECT_EQ(failed[0].device, phone);
    EXPECT_TRUE(logic.knows(content));
    failed = all<ReportFailed>(logic.on_result(first, tablet, code, 0ms, now));
    ASSERT_EQ(failed.size(), 2U);
    EXPECT_FALSE(failed[1].device);
    EXPECT_EQ(failed[1].reason, Errc::quota_exceeded);
    EXPECT_FALSE(logic.knows(content));
}

TEST_F(OutboxLogicTest, the_senders_other_device_alone_does_not_make_a_message_stored) {
    connect();
    auto both = upload(first, content);
    both.own_devices = {own};
    (void)logic.add(both, now);
    EXPECT_TRUE(all<ReportStored>(logic.on_result(first, own, 0, 0ms, now)).empty());
    EXPECT_EQ(all<ReportStored>(logic.on_result(first, phone, 0, 0ms, now)).size(), 1U);
}

TEST_F(OutboxLogicTest, a_replaced_device_without_a_receipt_is_re_encrypted_for_its_successor) {
    connect();
    (void)logic.add(upload(first, content), now);
    (void)logic.on_result(first, phone, 0, 0ms, now);
    const auto wanted = all<Reencrypt>(logic.on_device_gone(phone, tablet, now));
    ASSERT_EQ(wanted.size(), 1U);
    EXPECT_EQ(wanted[0].only, std::vector{tablet});
    const auto failed =
        all<ReportFailed>(logic.on_reencryption_failed(content, std::nullopt, Errc::not_delivered, now));
    EXPECT_TRUE(failed.empty());  // the successor is still hoped for until time is over
}

TEST_F(OutboxLogicTest, a_revoked_device_gets_nothing_more) {
    EXPECT_TRUE(logic.add(upload(first, content), now).empty());
    const auto failed = all<ReportFailed>(logic.on_device_gone(phone, std::nullopt, now));
    ASSERT_EQ(failed.size(), 2U);
    EXPECT_EQ(failed[1].reason, Errc::device_revoked);
    EXPECT_TRUE(logic.on_connected(64, 1 << 20, now).empty());
}

TEST_F(OutboxLogicTest, one_delivered_receipt_is_told_and_the_other_device_still_gets_its_copy) {
    connect();
    auto other = upload(second, content);
    other.recipients = {tablet};
    (void)logic.add(upload(first, content), now);
    (void)logic.add(other, now);
    (void)logic.on_result(first, phone, 0, 0ms, now);
    const auto actions = logic.on_delivered(content, phone, now);
    EXPECT_EQ(all<ReportDelivered>(actions).size(), 1U);
    EXPECT_EQ(all<MarkTold>(actions).size(), 1U);
    ASSERT_EQ(all<DropRow>(actions).size(), 1U);
    EXPECT_EQ(all<DropRow>(actions)[0].envelope, first);
    EXPECT_TRUE(all<DropContent>(actions).empty()) << "the tablet may not be able to read its copy";
    logic.on_disconnected();
    EXPECT_EQ(submitted(logic.on_connected(64, 1 << 20, now)), Ids{second});
    const auto last = logic.on_delivered(content, tablet, now);
    EXPECT_TRUE(all<ReportDelivered>(last).empty()) << "told once";
    EXPECT_EQ(all<DropContent>(last).size(), 1U);
    EXPECT_FALSE(logic.knows(content));
}

TEST_F(OutboxLogicTest, a_message_that_was_told_does_not_expire_before_the_app_after_a_restart_either) {
    auto rest = upload(second, content);
    rest.recipients = {tablet};
    rest.told = true;
    logic.restore_waiting(rest);
    const auto actions = logic.on_tick(now + 1h);
    EXPECT_TRUE(all<ReportExpired>(actions).empty());
    EXPECT_EQ(all<DropContent>(actions).size(), 1U);
}

TEST_F(OutboxLogicTest, a_copy_for_an_own_device_is_no_event_and_outlives_the_message) {
    connect();
    add_message_and_own_copy();
    const auto quota = static_cast<std::uint32_t>(Errc::quota_exceeded);
    const auto failed = all<ReportFailed>(logic.on_result(first, phone, quota, 0ms, now));
    ASSERT_EQ(failed.size(), 2U) << "the phone, and the message as a whole";
    EXPECT_TRUE(logic.knows(content)) << "the copy is still on its way";
    EXPECT_TRUE(all<ReportStored>(logic.on_result(second, own, 0, 0ms, now)).empty());
    const auto actions = logic.on_delivered(content, own, now);
    EXPECT_TRUE(all<ReportDelivered>(actions).empty());
    EXPECT_FALSE(logic.knows(content));
}

TEST_F(OutboxLogicTest, an_own_device_that_is_gone_does_not_touch_the_message) {
    connect();
    add_message_and_own_copy();
    const auto actions = logic.on_mismatched(second, now);
    EXPECT_TRUE(all<Reencrypt>(actions).empty());
    EXPECT_TRUE(all<ReportFailed>(actions).empty());
    EXPECT_EQ(all<ReportDelivered>(logic.on_delivered(content, phone, now)).size(), 1U);
    EXPECT_FALSE(logic.knows(content));
}

TEST_F(OutboxLogicTest, only_who_got_an_upload_may_ask_for_it_again) {
    connect();
    auto other = upload(second, content);
    other.recipients = {tablet};
    (void)logic.add(upload(first, content), now);
    (void)logic.add(other, now);
    EXPECT_TRUE(logic.was_recipient(first, phone));
    EXPECT_FALSE(logic.was_recipient(first, tablet));
    EXPECT_EQ(logic.message_of(first)->content, content);
    EXPECT_FALSE(logic.message_of(third));
}

TEST_F(OutboxLogicTest, a_device_is_silent_when_the_server_has_everything_and_it_has_confirmed_nothing) {
    connect();
    (void)logic.add(upload(first, content), now);
    EXPECT_TRUE(logic.silent().empty());
    (void)logic.on_result(first, phone, 0, 0ms, now);
    EXPECT_EQ(logic.silent(), std::set{phone});
    (void)logic.on_delivered(content, phone, now);
    EXPECT_TRUE(logic.silent().empty());
}

TEST_F(OutboxLogicTest, receipts_and_heartbeats_are_no_events_and_end_with_the_servers_answer) {
    connect();
    auto receipt = upload(first, content);
    receipt.lane = Lane::receipt;
    receipt.reports = false;
    (void)logic.add(receipt, now);
    const auto actions = logic.on_result(first, phone, 0, 0ms, now);
    EXPECT_TRUE(all<ReportStored>(actions).empty());
    EXPECT_EQ(all<DropContent>(actions).size(), 1U);
    EXPECT_FALSE(logic.knows(content));
}

TEST(Backoff, doubles_to_the_longest_wait_and_shortens_each_by_at_most_half) {
    SeededRandom random(7);
    Backoff backoff;
    Millis full = limits::backoff_first;
    bool jitter = false;
    for (int i = 0; i < 12; ++i) {
        const auto wait = backoff.next(random);
        EXPECT_LE(wait, full);
        EXPECT_GE(wait, full / 2);
        jitter = jitter || wait != full;
        full = std::min<Millis>(full * 2, limits::backoff_longest);
    }
    EXPECT_TRUE(jitter);
    backoff.reset();
    EXPECT_LE(backoff.next(random), limits::backoff_first);
}

}  // namespace
}  // namespace melder::sdk
