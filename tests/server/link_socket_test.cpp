// The link over real sockets, driven by a client of hand-made frames.

#include "tests/server/link_fixture.hpp"

namespace melder::server::test {
namespace {

TEST_F(Link, a_device_that_proves_its_login_key_is_welcomed_and_its_frames_reach_its_home_core) {
    bool on_home = false;
    home_handler(device).on_frame_do = [&](Session& session, wire::Frame&) {
        on_home = loops.runs_here(session.home_core());
    };
    start();
    const auto client = log_in(device);
    client->send({pause_frame(), pause_frame()});
    ASSERT_TRUE(journal.wait_for("message end"));
    EXPECT_EQ(journal.lines(),
              (std::vector<std::string>{"open " + device.id.hex(), "ready", "frame 23", "frame 23", "message end"}));
    EXPECT_TRUE(on_home);
    EXPECT_EQ(server->counters().logins, 1U);
}

TEST_F(Link, TLS_1_2_is_refused) {
    start();
    LinkTestClient client(server->port());
    EXPECT_FALSE(client.handshake(TLS1_2_VERSION));
}

TEST_F(Link, a_wrong_signature_is_refused) {
    start();
    const auto client = connect();
    Device impostor;
    impostor.id = device.id;
    client->send(login_frame(impostor, client->exporter(), client->hello()));
    expect_error(client->read(), Errc::login_refused);
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(server->counters().refused_logins, 1U);
    EXPECT_TRUE(journal.lines().empty());
}

TEST_F(Link, an_unknown_device_is_refused) {
    start();
    const auto client = connect();
    client->send(login_frame(Device(), client->exporter(), client->hello()));
    expect_error(client->read(), Errc::unknown_device);
    EXPECT_TRUE(client->read_to_end());
}

TEST_F(Link, a_login_made_for_another_connection_is_refused) {
    start();
    const auto one = connect();
    const auto other = connect();
    other->send(login_frame(device, one->exporter(), other->hello()));
    expect_error(other->read(), Errc::login_refused);
    const auto third = connect();
    third->send(login_frame(device, third->exporter(), one->hello()));
    expect_error(third->read(), Errc::login_refused);
}

TEST_F(Link, before_login_nothing_else_is_accepted) {
    start();
    const auto client = connect();
    client->send(fetch_statement(3));
    const auto error = client->read();
    expect_error(error, Errc::out_of_order);
    EXPECT_EQ(error->request(), 3U);
    EXPECT_TRUE(client->read_to_end());
    EXPECT_TRUE(journal.lines().empty());
}

TEST_F(Link, frames_behind_a_login_in_the_same_message_are_refused) {
    start();
    const auto client = connect();
    client->send({login_frame(device, client->exporter(), client->hello()), pause_frame()});
    expect_error(client->read(), Errc::out_of_order);
    EXPECT_TRUE(journal.lines().empty());
}

TEST_F(Link, a_message_sent_right_behind_the_login_is_handled_after_the_welcome) {
    start();
    const auto client = connect();
    client->send(login_frame(device, client->exporter(), client->hello()));
    client->send(pause_frame());
    EXPECT_TRUE(client->read()->has_welcome());
    EXPECT_TRUE(journal.wait_for("frame 23"));
}

TEST_F(Link, an_administrator_logs_in_with_the_administrator_key_and_gets_no_delivery) {
    start();
    const auto client = connect();
    wire::Frame frame;
    frame.set_request(1);
    frame.mutable_admin_login()->set_body("body");
    const auto input = login_transcript(Context::admin_login, client->exporter(), view(client->hello()), view("body"));
    frame.mutable_admin_login()->set_signature(to_string(sign_ed25519(authority.admin_seed, input)));
    client->send(frame);
    EXPECT_TRUE(client->read()->has_welcome());
    client->send(pause_frame());
    expect_error(client->read(), Errc::not_allowed);
    EXPECT_EQ(server->counters().admin_logins, 1U);
}

TEST_F(Link, an_enrolment_signed_by_its_key_is_answered_and_the_device_may_log_in_on_the_same_connection) {
    start();
    const auto client = connect();
    wire::Frame frame;
    frame.set_request(9);
    frame.mutable_enrol()->set_body("body");
    const auto input = login_transcript(Context::enrol, client->exporter(), view(client->hello()), view("body"));
    frame.mutable_enrol()->set_signature(to_string(sign_ed25519(authority.enrolment_seed, input)));
    client->send(frame);
    const auto enrolled = client->read();
    ASSERT_TRUE(enrolled.has_value() && enrolled->has_enrolled());
    EXPECT_EQ(enrolled->request(), 9U);
    client->send(login_frame(device, client->exporter(), client->hello()));
    EXPECT_TRUE(client->read()->has_welcome());
}

TEST_F(Link, an_enrolment_with_a_signature_for_another_purpose_is_refused) {
    start();
    const auto client = connect();
    wire::Frame frame;
    frame.mutable_enrol()->set_body("body");
    const auto input = login_transcript(Context::admin_login, client->exporter(), view(client->hello()), view("body"));
    frame.mutable_enrol()->set_signature(to_string(sign_ed25519(authority.enrolment_seed, input)));
    client->send(frame);
    expect_error(client->read(), Errc::second_part_wrong);
}

TEST_F(Link, a_restricted_session_may_fetch_but_not_submit) {
    authority.set(device.id, device.key.public_key, Peer::Kind::restricted);
    start();
    const auto client = log_in(device);
    wire::Frame submit;
    submit.mutable_submit();
    client->send(request(submit, 5));
    expect_error(client->read(), Errc::not_allowed);
    client->send(fetch_statement(6));
    EXPECT_TRUE(journal.wait_for("frame 60"));
}

TEST_F(Link, a_device_revoked_between_its_login_and_its_home_core_gets_a_restricted_session) {
    authority.restrict_after_first_answer();
    start();
    const auto client = connect();
    client->send(login_frame(device, client->exporter(), client->hello()));
    const auto welcome = client->read();
    ASSERT_TRUE(welcome.has_value() && welcome->has_welcome());
    EXPECT_TRUE(welcome->welcome().restricted());
}

TEST_F(Link, a_second_connection_replaces_the_first_whose_close_comes_before_the_new_open) {
    start();
    const auto first = log_in(device);
    const auto second = log_in(device);
    const auto replaced = first->read();
    ASSERT_TRUE(replaced.has_value() && replaced->has_replaced());
    EXPECT_TRUE(first->read_to_end());
    EXPECT_EQ(first->close_code(), 1000);
    const auto lines = journal.lines();
    const auto open = "open " + device.id.hex();
    ASSERT_GE(lines.size(), 4U);
    EXPECT_EQ((std::vector(lines.begin(), lines.begin() + 4)),
              (std::vector<std::string>{open, "ready", "close " + device.id.hex(), open}));
}

TEST_F(Link, closing_a_device_ends_its_connection_with_the_reason) {
    start();
    const auto client = log_in(device);
    ASSERT_TRUE(journal.wait_for("ready"));
    server->close_device(device.id, Errc::device_revoked);
    expect_error(client->read(), Errc::device_revoked);
    EXPECT_TRUE(client->read_to_end());
    EXPECT_TRUE(journal.wait_for("close " + device.id.hex()));
}

TEST_F(Link, who_does_not_finish_handshake_or_login_in_time_is_dropped) {
    config.times.handshake = 50ms;
    config.times.login = 50ms;
    start();
    LinkTestClient silent(server->port());
    LinkTestClient without_upgrade(server->port());
    if (without_upgrade.handshake()) {
        EXPECT_TRUE(without_upgrade.read_to_end());
    }
    LinkTestClient without_login(server->port());
    if (without_login.open()) {
        EXPECT_TRUE(without_login.read_to_end());
    }
    EXPECT_GE(server->counters().deadlines_missed, 2U);
}

TEST_F(Link, a_silent_peer_is_pinged_and_then_dead) {
    config.times.ping = 40ms;
    config.times.dead = 80ms;
    start();
    const auto client = log_in(device);
    client->answer_pings(false);
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(client->pings(), 1U);
    EXPECT_TRUE(journal.wait_for("close " + device.id.hex()));
    EXPECT_EQ(server->counters().dead_peers, 1U);
}

TEST_F(Link, a_ping_is_answered_with_its_payload_and_pings_do_not_end_a_session) {
    start();
    const auto client = log_in(device);
    client->send_raw(encode({.opcode = Opcode::ping}, pattern(5)));
    client->send(pause_frame());
    EXPECT_TRUE(journal.wait_for("frame 23"));
}

TEST_F(Link, what_waits_for_a_connection_leaves_as_one_message) {
    home_handler(device).on_frame_do = [](Session& session, wire::Frame& frame) {
        for (int i = 0; i < 20; ++i)
            EXPECT_TRUE(session.send(fetch_statement(frame.request())));
    };
    start();
    const auto client = log_in(device);
    const auto before = client->messages();
    client->send(fetch_statement(4));
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(client->read().has_value());
    EXPECT_EQ(client->messages(), before + 1);
}

TEST_F(Link, a_slow_consumer_is_refused_at_256_KiB_and_told_when_there_is_room) {
    config.send_buffer_bytes = 16 * 1024;
    std::atomic<std::size_t> taken = 0;
    home_handler(device).on_ready_do = [&](Session& session) {
        wire::Frame frame;
        frame.mutable_deliver()->add_envelopes()->mutable_body()->set_sealed(std::string(30'000, 'x'));
        while (session.send(frame))
            ++taken;
        EXPECT_LT(session.outbox_room_bytes(), 30'100U);
    };
    start();
    const auto client = log_in(device, 8 * 1024);
    ASSERT_TRUE(journal.wait_for("ready"));
    EXPECT_EQ(taken, 8U);
    for (std::size_t i = 0; i < taken; ++i)
        ASSERT_TRUE(client->read().has_value());
    EXPECT_TRUE(journal.wait_for("writable"));
    EXPECT_LE(client->largest_message(), limits::message_bytes);
}

TEST_F(Link, reading_stops_while_replies_wait_and_every_request_is_answered_in_the_end) {
    config.send_buffer_bytes = 16 * 1024;
    home_handler(device).on_frame_do = [](Session& session, wire::Frame& frame) {
        wire::Frame reply;
        reply.set_request(frame.request());
        reply.mutable_log_page()->add_entries(std::string(50'000, 'x'));
        EXPECT_TRUE(session.send(reply));
    };
    start();
    const auto client = log_in(device, 8 * 1024);
    std::vector<wire::Frame> requests;
    for (std::uint32_t i = 1; i <= 100; ++i)
        requests.push_back(fetch_statement(i));
    client->send(requests);
    client->send(requests);
    for (std::uint32_t i = 0; i < 200; ++i) {
        const auto reply = client->read();
        ASSERT_TRUE(reply.has_value()) << i;
        ASSERT_EQ(reply->request(), i % 100 + 1);
    }
    EXPECT_GT(server->counters().reads_paused, 0U);
}

TEST_F(Link, no_outbox_grows_when_the_process_has_no_room_left) {
    config.process_outbox_bytes = 10'000;
    std::atomic<bool> refused = false;
    home_handler(device).on_ready_do = [&](Session& session) { refused = !session.send_encoded(pattern(20'000)); };
    start();
    const auto client = log_in(device);
    EXPECT_TRUE(journal.wait_for("writable"));
    EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace melder::server::test
