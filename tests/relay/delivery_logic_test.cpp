#include <gtest/gtest.h>

#include "tests/relay/delivery_desk.hpp"

namespace melder::relay::test {
namespace {

using Numbers = std::vector<std::uint32_t>;

TEST(DeliveryLogic, online_envelope_is_acknowledged_after_the_device_and_touches_no_store) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 7);
    EXPECT_EQ(desk.sent_numbers(), Numbers{7});
    EXPECT_FALSE(desk.answers.contains(7));
    desk.ack(1, 7);
    EXPECT_TRUE(desk.acknowledged(7));
    EXPECT_EQ(desk.puts, 0u);
}

TEST(DeliveryLogic, offline_envelope_is_acknowledged_only_after_it_is_stored) {
    Desk desk;
    desk.submit(1, 1);
    ASSERT_TRUE(desk.acknowledged(1));
    desk.store_holds = true;
    desk.submit(1, 2);
    EXPECT_FALSE(desk.answers.contains(2));
    desk.release();
    EXPECT_TRUE(desk.acknowledged(2));
    EXPECT_EQ(desk.stored(1).size(), 2u);
}

TEST(DeliveryLogic, missing_ack_spills_at_the_deadline_and_the_late_ack_deletes) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.advance(limits::ack_deadline - Millis(1));
    EXPECT_EQ(desk.puts, 0u);
    desk.advance(Millis(1));
    EXPECT_TRUE(desk.acknowledged(1));
    EXPECT_EQ(desk.stored(1).size(), 1u);
    desk.ack(1, 1);
    EXPECT_TRUE(desk.stored(1).empty());
    EXPECT_EQ(desk.sent.size(), 1u);
}

TEST(DeliveryLogic, what_was_spilled_after_forwarding_leaves_the_lane_drained) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.advance(limits::ack_deadline);
    desk.submit(1, 2);
    EXPECT_EQ(desk.sent_numbers(), (Numbers{1, 2}));
    desk.run(desk.logic.on_resume(device_id(1), 10, desk.now()));
    EXPECT_EQ(desk.sent_numbers(), (Numbers{1, 2, 1, 2}));
}

TEST(DeliveryLogic, spill_takes_all_earlier_ones_in_order_in_one_batch) {
    Desk desk;
    desk.connect(1, 10);
    for (const std::uint32_t n : {3u, 1u, 2u})
        desk.submit(1, n);
    desk.run(desk.logic.on_defer(device_id(1), Lane::normal, envelope_id(2), desk.now()));
    EXPECT_EQ(desk.puts, 1u);
    const auto rows = desk.stored(1);
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0].id, envelope_id(3));
    EXPECT_EQ(rows[1].id, envelope_id(1));
    EXPECT_EQ(rows[2].id, envelope_id(2));
    EXPECT_TRUE(rows[2].marks.deferred_since.has_value());
}

TEST(DeliveryLogic, ack_while_storing_answers_at_once_and_deletes_after_the_commit) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.store_holds = true;
    desk.advance(limits::ack_deadline);
    desk.ack(1, 1);
    EXPECT_TRUE(desk.acknowledged(1));
    desk.store_holds = false;
    desk.release();
    EXPECT_TRUE(desk.stored(1).empty());
}

TEST(DeliveryLogic, same_id_in_transit_replaces_the_waiting_sender_and_other_bytes_conflict) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, desk.envelope(1), 100);
    desk.submit(1, desk.envelope(1), 101);
    EXPECT_EQ(desk.sent.size(), 1u);
    auto other = desk.envelope(1);
    other.hash = desk.envelope(2).hash;
    desk.submit(1, other, 102);
    EXPECT_EQ(desk.refused(102), Errc::envelope_conflict);
    desk.ack(1, 1);
    EXPECT_EQ(desk.refused(100), Errc::cancelled);
    EXPECT_TRUE(desk.acknowledged(101));
    desk.submit(1, desk.envelope(1), 103);
    EXPECT_TRUE(desk.acknowledged(103)) << "a done id is answered with the same ack as before";
    EXPECT_EQ(desk.sent.size(), 1u);
}

TEST(DeliveryLogic, new_connection_drains_only_after_the_old_ones_spill_has_committed) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.store_holds = true;
    desk.connect(1, 11);
    EXPECT_EQ(desk.replaced, 1u);
    EXPECT_EQ(desk.sent.size(), 1u);
    desk.store_holds = false;
    desk.release();
    EXPECT_EQ(desk.sent_numbers(), (Numbers{1, 1}));
    EXPECT_EQ(desk.sent.back().connection, 11u);
    desk.disconnect(1, 10);
    EXPECT_TRUE(desk.logic.is_connected(device_id(1))) << "the end of the replaced connection is no news";
}

TEST(DeliveryLogic, store_error_is_retried_for_ten_seconds_then_unknown) {
    Desk desk;
    desk.submit(1, 1);
    desk.store_fails = true;
    desk.submit(1, 2);
    for (int i = 0; i < 49; ++i)
        desk.advance(Millis(200));
    EXPECT_FALSE(desk.answers.contains(2));
    desk.advance(Millis(400));
    EXPECT_EQ(desk.refused(2), Errc::outcome_unknown);
}

TEST(DeliveryLogic, store_that_recovers_in_time_keeps_the_order) {
    Desk desk;
    desk.submit(1, 1);
    desk.store_fails = true;
    desk.submit(1, 2);
    desk.submit(1, 3);
    desk.store_fails = false;
    desk.advance(Millis(200));
    EXPECT_TRUE(desk.acknowledged(2));
    EXPECT_TRUE(desk.acknowledged(3));
    EXPECT_EQ(desk.stored(1)[1].id, envelope_id(2));
    EXPECT_EQ(desk.stored(1)[2].id, envelope_id(3));
}

TEST(DeliveryLogic, full_lane_refuses_and_leaves_other_lanes_alone) {
    Desk desk;
    for (std::uint32_t n = 0; n < limits::lane_envelopes; ++n) {
        desk.submit(1, desk.envelope(n, Lane::normal, 10, static_cast<Byte>(n / 100)), n);
    }
    desk.submit(1, desk.envelope(5000, Lane::normal, 10, 77), 5000);
    EXPECT_EQ(desk.refused(5000), Errc::quota_exceeded);
    desk.submit(1, desk.envelope(5001, Lane::urgent, 10, 77), 5001);
    EXPECT_TRUE(desk.acknowledged(5001));
}

TEST(DeliveryLogic, one_sender_takes_at_most_a_tenth_of_a_lane) {
    Desk desk;
    for (std::uint32_t n = 0; n < 101; ++n)
        desk.submit(1, n);
    EXPECT_TRUE(desk.acknowledged(99));
    EXPECT_EQ(desk.refused(100), Errc::quota_exceeded);
    desk.submit(1, desk.envelope(500, Lane::normal, 10, 9), 500);
    EXPECT_TRUE(desk.acknowledged(500));
}

TEST(DeliveryLogic, receipts_over_quota_drop_the_oldest) {
    Desk desk;
    for (std::uint32_t n = 0; n <= limits::lane_envelopes; ++n) {
        desk.submit(1, desk.envelope(n, Lane::receipt, 10, static_cast<Byte>(n / 100)), n);
    }
    EXPECT_TRUE(desk.acknowledged(limits::lane_envelopes));
    const auto rows = desk.stored(1, Lane::receipt);
    EXPECT_EQ(rows.size(), limits::lane_envelopes);
    EXPECT_EQ(rows.front().id, envelope_id(1));
}

TEST(DeliveryLogic, three_refusals_on_three_connections_move_aside) {
    Desk desk;
    desk.submit(1, 1);
    for (ConnectionId connection = 10; connection < 13; ++connection) {
        EXPECT_TRUE(desk.asides.empty());
        desk.connect(1, connection);
        desk.refuse(1, 1);
        desk.refuse(1, 1);
        desk.disconnect(1, connection);
    }
    ASSERT_EQ(desk.asides.size(), 1u);
    EXPECT_TRUE(desk.stored(1).empty());
    EXPECT_EQ(desk.stored(1, Lane::normal, server::EntryState::aside).size(), 1u);
}

TEST(DeliveryLogic, what_was_released_from_aside_goes_to_a_connected_device_at_once) {
    Desk desk;
    desk.submit(1, 1);
    for (ConnectionId connection = 10; connection < 13; ++connection) {
        desk.connect(1, connection);
        desk.refuse(1, 1);
        desk.disconnect(1, connection);
    }
    desk.submit(1, 2);
    desk.connect(1, 20);
    desk.ack(1, 2);
    desk.sent.clear();
    desk.put_back(1, 1);
    EXPECT_EQ(desk.sent_numbers(), std::vector<std::uint32_t>{1});
    ASSERT_FALSE(desk.empties.empty());
    // Nobody connected: the next drain finds it.
    desk.refuse(1, 1);
    desk.disconnect(1, 20);
    EXPECT_EQ(desk.stored(1).size(), 1u) << "its refusals begin anew";
}

TEST(DeliveryLogic, redelivery_by_reconnect_is_no_refusal) {
    Desk desk;
    desk.submit(1, 1);
    for (ConnectionId connection = 10; connection < 20; ++connection) {
        desk.connect(1, connection);
        desk.disconnect(1, connection);
    }
    EXPECT_TRUE(desk.asides.empty());
    EXPECT_EQ(desk.stored(1)[0].marks.refusals, 0);
}

TEST(DeliveryLogic, deferred_is_sent_again_on_retry_and_refused_after_a_day) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.run(desk.logic.on_defer(device_id(1), Lane::normal, envelope_id(1), desk.now()));
    EXPECT_TRUE(desk.acknowledged(1));
    desk.run(desk.logic.on_retry(device_id(1), Lane::normal, envelope_id(1), desk.now()));
    EXPECT_EQ(desk.sent_numbers(), (Numbers{1, 1}));
    desk.advance(limits::deferred_longest);
    ASSERT_EQ(desk.asides.size(), 1u);
    EXPECT_EQ(desk.asides[0].code, Errc::dependency_missing);
}

TEST(DeliveryLogic, transient_is_acked_on_acceptance_and_never_stored) {
    Desk desk;
    desk.submit(1, 1, Lane::transient);
    EXPECT_EQ(desk.refused(1), Errc::transient_dropped);
    desk.connect(1, 10);
    desk.submit(1, 2, Lane::transient);
    EXPECT_TRUE(desk.acknowledged(2));
    desk.disconnect(1, 10);
    EXPECT_EQ(desk.puts, 0u);
}

TEST(DeliveryLogic, paused_device_counts_as_offline) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.run(desk.logic.on_pause(device_id(1), 10, desk.now()));
    EXPECT_TRUE(desk.acknowledged(1)) << "in flight: spilled";
    desk.submit(1, 2);
    EXPECT_TRUE(desk.acknowledged(2));
    EXPECT_EQ(desk.sent.size(), 1u);
    desk.run(desk.logic.on_resume(device_id(1), 10, desk.now()));
    EXPECT_EQ(desk.sent_numbers(), (Numbers{1, 1, 2}));
}

TEST(DeliveryLogic, window_holds_back_and_received_moves_it_without_overtaking) {
    Desk desk;
    desk.connect(1, 10);
    for (std::uint32_t n = 0; n < 70; ++n)
        desk.submit(1, n);
    EXPECT_EQ(desk.sent.size(), limits::window_envelopes);
    for (std::uint32_t n = 0; n < 64; ++n)
        desk.run(desk.logic.on_received(device_id(1), Lane::normal, envelope_id(n), desk.now()));
    ASSERT_EQ(desk.sent.size(), 70u);
    for (std::uint32_t n = 0; n < 70; ++n)
        EXPECT_EQ(desk.sent_numbers()[n], n);
    desk.ack(1, 5);
    desk.ack(1, 3);
    EXPECT_EQ(desk.sent.size(), 70u);
}

TEST(DeliveryLogic, full_outbox_stores_and_nothing_overtakes) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.outbox_full = true;
    desk.submit(1, 2);
    desk.outbox_full = false;
    desk.submit(1, 3);
    EXPECT_TRUE(desk.acknowledged(2));
    EXPECT_EQ(desk.sent_numbers(), Numbers{1});
    desk.run(desk.logic.on_writable(device_id(1), 10, desk.now()));
    EXPECT_EQ(desk.sent_numbers(), (Numbers{1, 2, 3}));
}

TEST(DeliveryLogic, urgent_is_drained_first_and_every_lane_says_when_it_is_empty) {
    Desk desk;
    desk.submit(1, 1);
    desk.submit(1, 2, Lane::urgent);
    desk.connect(1, 10);
    EXPECT_EQ(desk.sent_numbers(), (Numbers{2, 1}));
    EXPECT_EQ(desk.empties.size(), 4u);
}

TEST(DeliveryLogic, expired_is_never_delivered_and_counted_once) {
    Desk desk;
    desk.submit(1, 1);
    desk.clock.advance(limits::ttl_default);
    desk.connect(1, 10);
    EXPECT_TRUE(desk.sent.empty());
    const auto count = [&] {
        std::uint32_t sum = 0;
        for (const auto& each : desk.empties)
            sum += each.expired_unread;
        return sum;
    };
    EXPECT_EQ(count(), 1u);
    desk.connect(1, 11);
    EXPECT_EQ(count(), 1u);
    auto late = desk.envelope(2);
    late.expires_at = desk.clock.wall();
    desk.submit(1, late, 2);
    EXPECT_EQ(desk.refused(2), Errc::expired);
}

TEST(DeliveryLogic, loading_queue_is_bounded) {
    Desk desk;
    desk.store_holds = true;
    for (std::uint32_t n = 0; n <= limits::loading_events; ++n)
        desk.submit(1, desk.envelope(n, Lane::normal, 10, static_cast<Byte>(n)), n);
    EXPECT_EQ(desk.refused(limits::loading_events), Errc::busy);
    desk.store_holds = false;
    desk.release();
    EXPECT_TRUE(desk.acknowledged(0));
}

TEST(DeliveryLogic, a_connection_made_while_loading_counts_however_full_the_queue_is) {
    Desk desk;
    desk.store_holds = true;
    for (std::uint32_t n = 1; n <= limits::loading_events + 5; ++n)
        desk.submit(1, desk.envelope(n, Lane::normal, 10, static_cast<Byte>(n % 50)), n);
    desk.connect(1, 10);
    desk.connect(1, 11);
    desk.disconnect(1, 10);
    desk.store_holds = false;
    desk.release();
    ASSERT_FALSE(desk.sent.empty());
    EXPECT_EQ(desk.sent.front().connection, 11u);
    EXPECT_TRUE(desk.logic.is_connected(device_id(1)));
}

TEST(DeliveryLogic, a_connection_that_ends_while_loading_gets_nothing) {
    Desk desk;
    desk.store_holds = true;
    desk.submit(1, 1);
    desk.connect(1, 10);
    desk.disconnect(1, 10);
    desk.store_holds = false;
    desk.release();
    EXPECT_TRUE(desk.sent.empty());
    EXPECT_TRUE(desk.acknowledged(1));
    EXPECT_FALSE(desk.logic.is_connected(device_id(1)));
}

TEST(DeliveryLogic, a_lane_is_not_even_listed_before_the_old_connections_spill_has_committed) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.listed.clear();
    desk.store_fails = true;
    desk.connect(1, 11);
    EXPECT_EQ(std::ranges::count(desk.listed, Lane::keys), 1) << "other lanes don't wait";
    EXPECT_EQ(std::ranges::count(desk.listed, Lane::normal), 0);
    desk.store_fails = false;
    desk.advance(Millis(200));
    EXPECT_EQ(std::ranges::count(desk.listed, Lane::normal), 1);
    ASSERT_EQ(desk.sent.size(), 2u);
    EXPECT_EQ(desk.sent.back().connection, 11u);
}

TEST(DeliveryLogic, a_drained_envelope_that_found_no_room_is_sent_when_there_is_some) {
    Desk desk;
    desk.submit(1, 1);
    desk.submit(1, 2);
    desk.outbox_full = true;
    desk.connect(1, 10);
    EXPECT_TRUE(desk.sent.empty());
    EXPECT_TRUE(std::ranges::none_of(desk.empties, [](const auto& empty) { return empty.lane == Lane::normal; }));
    desk.outbox_full = false;
    desk.run(desk.logic.on_writable(device_id(1), 10, desk.now()));
    EXPECT_EQ(desk.sent_numbers(), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(std::ranges::count_if(desk.empties, [](const auto& empty) { return empty.lane == Lane::normal; }), 1)
        << "said once, behind them";
}

TEST(DeliveryLogic, no_other_lane_is_read_before_urgent_is_drained) {
    Desk desk;
    desk.submit(1, 1);
    desk.submit(1, 2, Lane::urgent);
    desk.store_holds = true;
    desk.connect(1, 10);
    EXPECT_EQ(desk.listed, std::vector{Lane::urgent});
    desk.store_holds = false;
    desk.release();
    EXPECT_EQ(desk.listed, (std::vector{Lane::urgent, Lane::keys, Lane::normal, Lane::receipt}));
    EXPECT_EQ(desk.sent_numbers(), (std::vector<std::uint32_t>{2, 1}));
}

TEST(DeliveryLogic, what_arrives_while_its_lane_is_read_does_not_overtake_what_is_being_stored) {
    Desk desk;
    desk.submit(1, 1);
    desk.store_holds = true;
    desk.connect(1, 10);
    while (std::ranges::count(desk.listed, Lane::normal) == 0 && !desk.waiting.empty())
        desk.step();
    desk.submit(1, 2);
    while (desk.sent.empty() && !desk.waiting.empty())
        desk.step();  // the list is answered, the put of the second is not
    desk.submit(1, 3);
    desk.store_holds = false;
    desk.release();
    EXPECT_EQ(desk.sent_numbers(), (std::vector<std::uint32_t>{1, 2, 3}));
}

TEST(DeliveryLogic, a_store_that_does_not_answer_fills_no_more_memory_than_a_lane) {
    Desk desk;
    desk.store_holds = true;
    desk.submit(1, 0);
    desk.step();  // loaded
    for (std::uint32_t n = 1; n < limits::lane_envelopes; ++n)
        desk.submit(1, desk.envelope(n, Lane::normal, 10, static_cast<Byte>(n % 40)), n);
    EXPECT_FALSE(desk.answers.contains(limits::lane_envelopes - 1));
    desk.submit(1, desk.envelope(5000, Lane::normal, 10, 50), 5000);
    EXPECT_EQ(desk.refused(5000), Errc::busy);
    desk.submit(1, desk.envelope(5001, Lane::urgent, 10, 50), 5001);
    EXPECT_FALSE(desk.answers.contains(5001)) << "another lane has its own room";
    desk.store_holds = false;
    desk.release();
    EXPECT_TRUE(desk.acknowledged(0));
    EXPECT_TRUE(desk.acknowledged(limits::lane_envelopes - 1));
}

TEST(DeliveryLogic, unknown_ack_and_refusal_are_ignored) {
    Desk desk;
    desk.connect(1, 10);
    desk.ack(1, 99);
    desk.refuse(1, 98);
    EXPECT_TRUE(desk.answers.empty());
    EXPECT_TRUE(desk.asides.empty());
}

TEST(DeliveryLogic, reply_before_ack_does_not_wait) {
    Desk desk;
    desk.connect(1, 10);
    desk.connect(2, 20);
    desk.submit(1, 1);
    desk.submit(2, 2);
    desk.ack(2, 2);
    desk.ack(1, 1);
    EXPECT_TRUE(desk.acknowledged(1));
    EXPECT_TRUE(desk.acknowledged(2));
}

TEST(DeliveryLogic, shutdown_stores_what_is_in_flight) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    EXPECT_FALSE(desk.logic.is_quiet());
    desk.run(desk.logic.on_shutdown(desk.now()));
    EXPECT_TRUE(desk.logic.is_quiet());
    EXPECT_TRUE(desk.acknowledged(1));
    EXPECT_EQ(desk.stored(1).size(), 1u);
}

TEST(DeliveryLogic, removed_device_answers_its_senders_and_loses_its_mailbox) {
    Desk desk;
    desk.connect(1, 10);
    desk.submit(1, 1);
    desk.run(desk.logic.on_device_removed(device_id(1), desk.now()));
    EXPECT_EQ(desk.refused(1), Errc::unknown_device);
    EXPECT_TRUE(desk.stored(1).empty());
    EXPECT_EQ(desk.logic.devices(), 0u);
}

}  // namespace
}  // namespace melder::relay::test
