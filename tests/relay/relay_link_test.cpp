// The delivery contract over real sockets: link, relay, store, two event loops.

#include <set>

#include "tests/relay/relay_link.hpp"

namespace melder::relay::test {
namespace {

wire::Frame simple(void (*fill)(wire::Frame&)) {
    wire::Frame frame;
    fill(frame);
    return frame;
}
wire::Frame pause_frame() {
    return simple([](wire::Frame& frame) { frame.mutable_pause(); });
}
wire::Frame resume_frame() {
    return simple([](wire::Frame& frame) { frame.mutable_resume(); });
}
wire::Frame defer_of(const wire::Delivery& delivery) {
    wire::Frame frame;
    *frame.mutable_defer()->add_envelopes() = ref_of(delivery);
    return frame;
}
wire::Frame retry_of(const wire::Delivery& delivery) {
    wire::Frame frame;
    *frame.mutable_retry()->add_envelopes() = ref_of(delivery);
    return frame;
}
wire::Frame refuse_of(const wire::Delivery& delivery) {
    wire::Frame frame;
    auto& refusal = *frame.mutable_refuse()->add_refusals();
    *refusal.mutable_envelope() = ref_of(delivery);
    refusal.set_code(static_cast<std::uint32_t>(Errc::sealed_invalid));
    return frame;
}

TEST_F(RelayLink, the_welcome_names_the_submit_credit) {
    const auto line = log_in(alice);
    EXPECT_EQ(line->welcome().submit_credit(), limits::submit_credit);
    EXPECT_EQ(line->welcome().submit_credit_bytes(), limits::submit_credit_bytes);
}

TEST_F(RelayLink, who_is_online_gets_it_at_once_and_the_senders_answer_follows_the_devices_ack) {
    const auto sender = online(alice), receiver = online(bob);
    store.hold_puts();  // were anything written first, nothing would be answered
    const Letter letter{{bob.id}};
    const auto request = sender->next_request();
    sender->send(letter.frame(request));
    const auto delivery = receiver->receive();
    EXPECT_EQ(delivery.envelope_id(), letter.id.string());
    EXPECT_EQ(delivery.lane(), wire::LANE_NORMAL);
    EXPECT_EQ(delivery.sequence(), 0U) << "it never rested in the mailbox";
    EXPECT_EQ(delivery.body().SerializeAsString(), letter.frame(1).submit().body().SerializeAsString());
    EXPECT_EQ(delivery.header().SerializeAsString(), device_header(bob.id).SerializeAsString());
    EXPECT_TRUE(sender->quiet(wire::Frame::kSubmitResult)) << "acknowledged before the device did";
    receiver->send(ack_of(delivery));
    const auto result = sender->take(wire::Frame::kSubmitResult);
    EXPECT_EQ(result.request(), request);
    ASSERT_EQ(result.submit_result().results_size(), 1);
    EXPECT_EQ(result.submit_result().results(0).recipient(), bob.id.string());
    EXPECT_EQ(result.submit_result().results(0).code(), 0U);
    store.release_puts();
}

TEST_F(RelayLink, devices_of_one_loop_and_of_two_reach_each_other_both_ways) {
    const Phone carol = force.add(0);
    const auto a = online(alice), b = online(bob), c = online(carol);
    const std::tuple<Line*, const Phone*, Line*> ways[] = {
        {a.get(), &bob, b.get()}, {b.get(), &alice, a.get()}, {a.get(), &carol, c.get()}};
    for (const auto& [from, to, receiver] : ways) {
        const Letter letter{{to->id}};
        from->send(letter.frame(from->next_request()));
        const auto delivery = receiver->receive();
        EXPECT_EQ(delivery.envelope_id(), letter.id.string());
        receiver->send(ack_of(delivery));
        EXPECT_EQ(from->take(wire::Frame::kSubmitResult).submit_result().results(0).code(), 0U);
    }
}

TEST_F(RelayLink, who_is_offline_finds_it_in_order_and_then_hears_that_the_mailbox_is_empty) {
    const auto sender = online(alice);
    const Letter first{{bob.id}}, second{{bob.id}};
    EXPECT_EQ(submit(*sender, first).code(), 0U);
    EXPECT_EQ(submit(*sender, second).code(), 0U);
    EXPECT_EQ(stored(bob), 2U) << "acknowledged, so it must be in the store";
    const auto receiver = log_in(bob);
    const auto one = receiver->receive(), two = receiver->receive();
    EXPECT_EQ(one.envelope_id(), first.id.string());
    EXPECT_EQ(two.envelope_id(), second.id.string());
    EXPECT_GT(one.sequence(), 0U);
    EXPECT_GT(two.sequence(), one.sequence());
    receiver->drain();
    receiver->send({ack_of(one)});
    receiver->send({ack_of(two)});
    EXPECT_TRUE(receiver->quiet(wire::Frame::kDeliver));
    EXPECT_EQ(stored(bob), 0U);
    EXPECT_EQ(submit(*sender, first).code(), 0U) << "a done id is answered with the same ack";
    EXPECT_TRUE(receiver->quiet(wire::Frame::kDeliver)) << "and not delivered again";
}

TEST_F(RelayLink, a_device_that_does_not_ack_in_time_has_it_stored_for_the_next_connection) {
    const auto sender = online(alice);
    auto receiver = online(bob);
    const Letter letter{{bob.id}};
    EXPECT_EQ(submit(*sender, letter).code(), 0U) << "after the deadline of 250 ms, by the mailbox";
    EXPECT_EQ(stored(bob), 1U);
    receiver->receive();
    receiver = log_in(bob);
    const auto again = receiver->receive();
    EXPECT_EQ(again.envelope_id(), letter.id.string());
    receiver->send(ack_of(again));
    EXPECT_TRUE(receiver->quiet(wire::Frame::kDeliver));
    EXPECT_EQ(stored(bob), 0U);
}

TEST_F(RelayLink, a_paused_device_gets_nothing_until_it_resumes_and_then_from_the_oldest) {
    const auto sender = online(alice), receiver = online(bob);
    const Letter before{{bob.id}}, during{{bob.id}};
    sender->send(before.frame(sender->next_request()));
    receiver->receive();
    receiver->send(pause_frame());
    EXPECT_EQ(sender->take(wire::Frame::kSubmitResult).submit_result().results(0).code(), 0U) << "it spilled";
    EXPECT_EQ(submit(*sender, during).code(), 0U);
    EXPECT_TRUE(receiver->quiet(wire::Frame::kDeliver));
    receiver->send(resume_frame());
    EXPECT_EQ(receiver->receive().envelope_id(), before.id.string());
    EXPECT_EQ(receiver->receive().envelope_id(), during.id.string());
    receiver->drain();
}

TEST_F(RelayLink, a_deferred_envelope_stays_stored_and_comes_again_on_retry) {
    const auto sender = online(alice), receiver = online(bob);
    const Letter letter{{bob.id}};
    sender->send(letter.frame(sender->next_request()));
    const auto delivery = receiver->receive();
    receiver->send(defer_of(delivery));
    EXPECT_EQ(sender->take(wire::Frame::kSubmitResult).submit_result().results(0).code(), 0U);
    EXPECT_EQ(stored(bob), 1U);
    receiver->send(retry_of(delivery));
    const auto again = receiver->receive();
    EXPECT_EQ(again.envelope_id(), letter.id.string());
    receiver->send(ack_of(again));
    EXPECT_TRUE(receiver->quiet(wire::Frame::kMovedAside));
    EXPECT_EQ(stored(bob), 0U);
}

TEST_F(RelayLink, the_third_refusal_moves_it_aside_and_says_so_and_it_never_comes_again) {
    const auto sender = online(alice);
    const Letter letter{{bob.id}};
    EXPECT_EQ(submit(*sender, letter).code(), 0U);
    for (int connection = 1; connection <= 3; ++connection) {
        const auto receiver = log_in(bob);
        const auto delivery = receiver->receive();
        ASSERT_EQ(delivery.envelope_id(), letter.id.string());
        receiver->send(refuse_of(delivery));
        receiver->send(refuse_of(delivery));  // counts once per connection
        if (connection < 3) {
            EXPECT_TRUE(receiver->quiet(wire::Frame::kMovedAside)) << connection;
            continue;
        }
        const auto moved = receiver->take(wire::Frame::kMovedAside).moved_aside();
        EXPECT_EQ(moved.envelope().envelope_id(), letter.id.string());
        EXPECT_EQ(moved.code(), static_cast<std::uint32_t>(Errc::sealed_invalid));
    }
    const auto receiver = online(bob);
    EXPECT_TRUE(receiver->quiet(wire::Frame::kDeliver));
}

TEST_F(RelayLink, a_second_connection_replaces_the_first_and_takes_over_what_was_in_flight) {
    const auto sender = online(alice), first = online(bob);
    const Letter letter{{bob.id}};
    sender->send(letter.frame(sender->next_request()));
    EXPECT_EQ(first->receive().envelope_id(), letter.id.string());
    const auto second = log_in(bob);
    first->take(wire::Frame::kReplaced);
    EXPECT_TRUE(first->link.read_to_end());
    EXPECT_EQ(second->receive().envelope_id(), letter.id.string());
    EXPECT_EQ(sender->take(wire::Frame::kSubmitResult).submit_result().results(0).code(), 0U);
}

TEST_F(RelayLink, transient_reaches_a_connected_device_and_is_never_stored) {
    const auto sender = online(alice);
    Letter letter{{bob.id}};
    letter.lane = Lane::transient;
    EXPECT_EQ(submit(*sender, letter).code(), static_cast<std::uint32_t>(Errc::transient_dropped));
    EXPECT_EQ(stored(bob, Lane::transient), 0U);
    const auto receiver = online(bob);
    letter.id = system_random().id<EnvelopeId>();
    EXPECT_EQ(submit(*sender, letter).code(), 0U) << "acked on acceptance";
    EXPECT_EQ(receiver->receive().lane(), wire::LANE_TRANSIENT);
}

TEST_F(RelayLink, an_upload_to_three_hundred_names_every_recipient_once_and_reaches_all) {
    Letter letter;
    std::set<std::string> expected;
    std::vector<Phone> phones;
    for (std::size_t n = 0; n < 300; ++n) {
        phones.push_back(force.add(n % 8 == 0 ? 0 : 1));  // more than a store takes in one put
        letter.to.push_back(phones.back().id);
        expected.insert(phones.back().id.string());
    }
    const auto sender = online(alice);
    const auto some = online(phones[100]);
    sender->send(letter.frame(sender->next_request()));
    some->send(ack_of(some->receive()));
    std::set<std::string> named;
    while (named.size() < expected.size()) {
        const auto answer = sender->take(wire::Frame::kSubmitResult).submit_result();
        ASSERT_GT(answer.results_size(), 0);
        for (const auto& result : answer.results()) {
            EXPECT_EQ(result.code(), 0U);
            EXPECT_TRUE(named.insert(result.recipient()).second) << "named twice";
        }
    }
    EXPECT_EQ(named, expected);
    EXPECT_TRUE(some->quiet(wire::Frame::kDeliver));  // its ack was carried out
    for (const auto& phone : phones)
        EXPECT_EQ(stored(phone), phone.id == phones[100].id ? 0U : 1U);
    EXPECT_EQ(submit(*sender, Letter{{bob.id}}).code(), 0U) << "the credit is back";
}

// ---- parts --------------------------------------------------------------------------------------------------------

wire::Frame more_frame(const Letter& letter, const std::vector<EnrolmentId>& to) {
    wire::Frame frame;
    frame.mutable_submit_more()->set_envelope_id(letter.id.string());
    for (const auto& device : to)
        *frame.mutable_submit_more()->add_headers() = device_header(device);
    return frame;
}

TEST_F(RelayLink, an_upload_in_parts_is_routed_with_its_last_part) {
    const Phone carol = force.add(0);
    const auto sender = online(alice), b = online(bob), c = online(carol);
    const Letter letter{{bob.id}};
    const auto request = sender->next_request();
    auto start = letter.frame(request);
    start.mutable_submit()->set_total_headers(2);
    sender->send(start);
    EXPECT_TRUE(sender->quiet(wire::Frame::kSubmitResult));
    EXPECT_TRUE(b->quiet(wire::Frame::kDeliver)) << "routed before its last part";
    sender->send(more_frame(letter, {carol.id}));
    for (auto* receiver : {b.get(), c.get()})
        receiver->send(ack_of(receiver->receive()));
    std::size_t results = 0;
    while (results < 2) {
        const auto answer = sender->take(wire::Frame::kSubmitResult);
        ASSERT_EQ(answer.request(), request);
        for (const auto& result : answer.submit_result().results())
            EXPECT_EQ(result.code(), 0U);
        ASSERT_GT(answer.submit_result().results_size(), 0);
        results += static_cast<std::size_t>(answer.submit_result().results_size());
    }
}

TEST_F(RelayLink, one_upload_in_parts_at_a_time_and_every_part_belongs_to_it) {
    const Phone carol = force.add(0);
    const auto sender = online(alice);
    const Letter letter{{bob.id}};
    EXPECT_EQ(sender->refused(more_frame(letter, {bob.id})), Errc::out_of_order);
    auto start = letter.frame(sender->next_request());
    start.mutable_submit()->set_total_headers(2);
    sender->send(start);
    EXPECT_EQ(sender->refused(Letter{{carol.id}}.frame(0)), Errc::out_of_order);
    sender->send(more_frame(Letter{}, {carol.id}));  // another id
    auto error = sender->take(wire::Frame::kError);
    EXPECT_EQ(error.request(), start.request());
    EXPECT_EQ(error.error().code(), static_cast<std::uint32_t>(Errc::malformed));
    start.set_request(sender->next_request());
    sender->send(start);
    sender->send(more_frame(letter, {bob.id}));  // the same recipient twice
    error = sender->take(wire::Frame::kError);
    EXPECT_EQ(error.request(), start.request());
    EXPECT_EQ(error.error().code(), static_cast<std::uint32_t>(Errc::malformed));
    start.set_request(sender->next_request());
    start.mutable_submit()->set_total_headers(limits::headers_per_upload + 1);
    EXPECT_EQ(sender->refused(start), Errc::too_large);
    EXPECT_EQ(stored(bob), 0U) << "nothing of a refused upload is routed";
}

TEST_F(RelayLink, an_upload_whose_parts_do_not_come_is_given_up_after_ten_seconds) {
    const Phone carol = force.add(0);
    const auto sender = online(alice);
    const Letter letter{{bob.id}};
    auto start = letter.frame(sender->next_request());
    start.mutable_submit()->set_total_headers(2);
    sender->send(start);
    EXPECT_TRUE(sender->quiet(wire::Frame::kError));
    clock.advance(limits::multipart_deadline);
    sender->send(more_frame(letter, {carol.id}));
    const auto error = sender->take(wire::Frame::kError);
    EXPECT_EQ(error.request(), start.request());
    EXPECT_EQ(error.error().code(), static_cast<std::uint32_t>(Errc::deadline_exceeded));
    EXPECT_EQ(submit(*sender, Letter{{carol.id}}).code(), 0U) << "and the next upload is welcome";
}

// ---- refusals -----------------------------------------------------------------------------------------------------

TEST_F(RelayLink, a_stale_sender_is_told_the_officers_present_devices_and_nothing_is_routed) {
    const Phone second = force.add(0, bob.officer), lost = force.add(1, bob.officer);
    force.revoke(lost);
    const auto sender = online(alice);
    const auto request = sender->next_request();
    sender->send(Letter{{bob.id, lost.id}}.frame(request));
    const auto result = sender->take(wire::Frame::kSubmitResult).submit_result();
    ASSERT_EQ(result.results_size(), 2);
    for (const auto& one : result.results())
        EXPECT_EQ(one.code(), static_cast<std::uint32_t>(Errc::mismatched_devices));
    ASSERT_EQ(result.mismatched_size(), 1);
    EXPECT_EQ(result.mismatched(0).officer_id(), bob.officer.string());
    const std::set<std::string> present(result.mismatched(0).devices().begin(), result.mismatched(0).devices().end());
    EXPECT_EQ(present, (std::set<std::string>{bob.id.string(), second.id.string()}));
    EXPECT_EQ(stored(bob), 0U);
    Letter single{{bob.id}};
    single.partial = true;
    EXPECT_EQ(submit(*sender, single).code(), 0U) << "a re-send to one device";
    Letter to_lost{{lost.id}};
    to_lost.partial = true;
    EXPECT_EQ(submit(*sender, to_lost).code(), static_cast<std::uint32_t>(Errc::device_revoked));
    EXPECT_EQ(submit(*sender, Letter{{system_random().id<EnrolmentId>()}}).code(),
              static_cast<std::uint32_t>(Errc::unknown_device));
}

TEST_F(RelayLink, other_bytes_under_the_same_id_are_a_conflict) {
    const auto sender = online(alice);
    Letter letter{{bob.id}};
    EXPECT_EQ(submit(*sender, letter).code(), 0U);
    EXPECT_EQ(submit(*sender, letter).code(), 0U) << "the same bytes are stored already";
    letter.text = 2;
    EXPECT_EQ(submit(*sender, letter).code(), static_cast<std::uint32_t>(Errc::envelope_conflict));
    EXPECT_EQ(stored(bob), 1U);
}

TEST_F(RelayLink, expired_and_overlong_lifetimes_are_refused) {
    const auto sender = online(alice);
    Letter letter{{bob.id}};
    letter.expires_at = clock.wall() - Millis(1);
    EXPECT_EQ(sender->refused(letter.frame(0)), Errc::expired);
    letter.expires_at = clock.wall() + limits::ttl_longest + limits::expiry_granularity + std::chrono::minutes(1);
    EXPECT_EQ(sender->refused(letter.frame(0)), Errc::bad_argument);
}

TEST_F(RelayLink, what_belongs_to_later_versions_is_answered_unsupported) {
    const auto line = online(alice);
    auto own = Letter{{bob.id}}.frame(0);
    *own.mutable_submit()->mutable_own() = device_header(alice.id);
    EXPECT_EQ(line->refused(own), Errc::unsupported);
    EXPECT_EQ(line->refused(simple([](wire::Frame& frame) { frame.mutable_ack()->set_hold(true); })),
              Errc::unsupported);
    EXPECT_EQ(line->refused(simple([](wire::Frame& frame) { frame.mutable_fetch_held(); })), Errc::unsupported);
    EXPECT_EQ(line->refused(simple([](wire::Frame& frame) { frame.mutable_recall(); })), Errc::unsupported);
    EXPECT_EQ(line->refused(simple([](wire::Frame& frame) { frame.mutable_set_push_token(); })), Errc::unsupported);
}

TEST_F(RelayLink, more_ids_than_a_frame_may_hold_are_refused_whatever_they_are_for) {
    const auto line = online(alice);
    wire::EnvelopeRef ref;
    ref.set_lane(wire::LANE_NORMAL);
    ref.set_envelope_id(EnvelopeId().string());
    const auto fill = [&](auto add) {
        for (std::size_t i = 0; i <= limits::refs_per_frame; ++i)
            *add() = ref;
    };
    wire::Frame frame;
    fill([&] { return frame.mutable_ack()->add_envelopes(); });
    EXPECT_EQ(line->refused(frame), Errc::too_large);
    fill([&] { return frame.mutable_received()->add_envelopes(); });
    EXPECT_EQ(line->refused(frame), Errc::too_large);
    fill([&] { return frame.mutable_defer()->add_envelopes(); });
    EXPECT_EQ(line->refused(frame), Errc::too_large);
    fill([&] { return frame.mutable_retry()->add_envelopes(); });
    EXPECT_EQ(line->refused(frame), Errc::too_large);
    fill([&] { return frame.mutable_refuse()->add_refusals()->mutable_envelope(); });
    EXPECT_EQ(line->refused(frame), Errc::too_large);
}

TEST_F(RelayLink, of_an_ack_with_one_wrong_id_nothing_is_carried_out) {
    const auto sender = online(alice);
    EXPECT_EQ(submit(*sender, Letter{{bob.id}}).code(), 0U);
    const auto receiver = log_in(bob);
    auto ack = ack_of(receiver->receive());
    ack.mutable_ack()->add_envelopes()->set_envelope_id("short");
    EXPECT_EQ(receiver->refused(ack), Errc::malformed);
    EXPECT_EQ(stored(bob), 1U);
}

TEST_F(RelayLink, one_sender_writes_to_one_device_sixty_times_a_minute) {
    const auto sender = online(alice);
    for (std::uint32_t n = 0; n < limits::submits_per_target_per_minute; ++n)
        ASSERT_EQ(submit(*sender, Letter{{bob.id}}).code(), 0U) << n;
    const auto result = submit(*sender, Letter{{bob.id}});
    EXPECT_EQ(result.code(), static_cast<std::uint32_t>(Errc::rate_limited));
    EXPECT_GT(result.retry_after_ms(), 0U);
    clock.advance(std::chrono::minutes(1));
    EXPECT_EQ(submit(*sender, Letter{{bob.id}}).code(), 0U);
}

TEST_F(RelayLink, one_sender_has_a_burst_of_two_hundred_submits) {
    const auto sender = online(alice);
    std::vector<Phone> targets;
    for (int i = 0; i < 6; ++i)
        targets.push_back(force.add(1));
    // Beyond what comes back while the test runs.
    const std::uint32_t many = limits::submits_burst + 100;
    for (std::uint32_t n = 0; n < many; ++n) {
        sender->send(Letter{{targets[n % targets.size()].id}}.frame(sender->next_request()));
        const auto answer = sender->link.read();
        ASSERT_TRUE(answer.has_value());
        if (!answer->has_error()) continue;
        EXPECT_EQ(answer->error().code(), static_cast<std::uint32_t>(Errc::rate_limited));
        EXPECT_GT(answer->error().retry_after_ms(), 0U);
        EXPECT_GE(n, limits::submits_burst);
        return;
    }
    FAIL() << "never limited";
}

TEST_F(RelayLink, submits_beyond_the_credit_are_busy_and_nothing_of_them_is_kept) {
    const Phone carol = force.add(0);
    const auto sender = online(alice);
    store.hold_puts();
    for (std::uint32_t n = 0; n < limits::submit_credit; ++n)
        sender->send(Letter{{n % 2 == 0 ? bob.id : carol.id}}.frame(sender->next_request()));
    EXPECT_EQ(sender->refused(Letter{{bob.id}}.frame(0)), Errc::busy);
    store.release_puts();
    for (std::uint32_t n = 0; n < limits::submit_credit; ++n)
        EXPECT_EQ(sender->take(wire::Frame::kSubmitResult).submit_result().results(0).code(), 0U);
    EXPECT_EQ(submit(*sender, Letter{{carol.id}}).code(), 0U) << "answered submits give their credit back";
    EXPECT_EQ(stored(bob) + stored(carol), limits::submit_credit + 1);
}

TEST_F(RelayLink, the_credit_counts_bytes_too) {
    const auto sender = online(alice);
    store.hold_puts();
    Letter large{{bob.id}};
    large.bucket = std::size(limits::buckets_bytes) - 1;
    const auto fit = limits::submit_credit_bytes / limits::body_bytes;
    for (std::size_t n = 0; n < fit; ++n) {
        large.id = system_random().id<EnvelopeId>();
        sender->send(large.frame(sender->next_request()));
    }
    EXPECT_EQ(sender->refused(large.frame(0)), Errc::busy);
    store.release_puts();
}

TEST_F(RelayLink, a_full_lane_and_a_full_disk_are_told_to_the_sender_and_the_next_submit_starts_anew) {
    const auto sender = online(alice);
    const Letter letter{{bob.id}};
    store.fail_puts(server::PutOutcome::quota);
    EXPECT_EQ(submit(*sender, letter).code(), static_cast<std::uint32_t>(Errc::quota_exceeded));
    store.fail_puts(server::PutOutcome::no_room);
    EXPECT_EQ(submit(*sender, letter).code(), static_cast<std::uint32_t>(Errc::storage_full));
    store.fail_puts({});
    EXPECT_EQ(submit(*sender, letter).code(), 0U);
    EXPECT_EQ(stored(bob), 1U);
}

TEST_F(RelayLink, a_store_that_does_not_answer_for_sure_is_asked_again_with_the_same_ids) {
    const auto sender = online(alice);
    const Letter letter{{bob.id}};
    store.fail_puts(server::PutOutcome::unknown);
    sender->send(letter.frame(sender->next_request()));
    EXPECT_TRUE(sender->quiet(wire::Frame::kSubmitResult));
    store.fail_puts({});
    EXPECT_EQ(sender->take(wire::Frame::kSubmitResult).submit_result().results(0).code(), 0U);
    EXPECT_EQ(stored(bob), 1U);
}

// ---- removal and shutdown -----------------------------------------------------------------------------------------

TEST_F(RelayLink, a_removed_device_loses_its_mailbox) {
    const auto sender = online(alice);
    EXPECT_EQ(submit(*sender, Letter{{bob.id}}).code(), 0U);
    process->relay().remove_device(bob.id);
    const auto receiver = online(bob);  // the fake force still lets it in
    EXPECT_TRUE(receiver->quiet(wire::Frame::kDeliver));
    EXPECT_EQ(stored(bob), 0U);
}

TEST_F(RelayLink, a_shutdown_stores_and_acknowledges_what_is_in_flight_and_the_next_process_delivers_it) {
    const auto sender = online(alice);
    auto receiver = online(bob);
    const Letter letter{{bob.id}};
    sender->send(letter.frame(sender->next_request()));
    receiver->receive();
    process->shut_down();
    EXPECT_EQ(sender->take(wire::Frame::kSubmitResult).submit_result().results(0).code(), 0U);
    EXPECT_TRUE(sender->link.read_to_end());
    EXPECT_EQ(stored(bob), 1U);
    process.reset();
    process = std::make_unique<RelayProcess>(folder, store, force, clock);
    receiver = log_in(bob);
    EXPECT_EQ(receiver->receive().envelope_id(), letter.id.string());
}

TEST_F(RelayLink, what_expired_unread_is_counted_once_and_never_delivered) {
    const auto sender = online(alice);
    Letter letter{{bob.id}};
    EXPECT_EQ(submit(*sender, letter).code(), 0U);
    clock.advance(std::chrono::hours(2));
    auto receiver = log_in(bob);
    EXPECT_EQ(receiver->drain(), 1U);
    EXPECT_TRUE(receiver->quiet(wire::Frame::kDeliver));
    receiver = log_in(bob);
    EXPECT_EQ(receiver->drain(), 0U);
}

}  // namespace
}  // namespace melder::relay::test
