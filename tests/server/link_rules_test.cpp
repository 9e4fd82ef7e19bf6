// The rules of the link over real sockets: bytes that break the protocol, trust lists that are offered, the shutdown.

#include "tests/server/link_fixture.hpp"

namespace melder::server::test {
namespace {

wire::Frame offer_frame(std::uint32_t number) {
    wire::Frame frame;
    frame.set_request(number);
    auto& list = *frame.mutable_offer_trust_list()->mutable_trust_list();
    list.set_body("list");
    auto& signature = *list.add_signatures();
    signature.set_key_id(std::string(32, 'k'));
    signature.set_signature(std::string(64, 's'));
    return frame;
}

TEST_F(Link, a_trust_list_may_be_offered_before_the_login_which_waits_for_the_answer) {
    std::mutex mutex;
    std::function<void(Result<void>)> answer;
    authority.on_offer = [&](SignedBytes list, std::function<void(Result<void>)> done) {
        EXPECT_EQ(as_chars(list.body), "list");
        const std::lock_guard lock(mutex);
        answer = std::move(done);
        journal.note("offered");
    };
    start();
    const auto client = connect();
    client->send(offer_frame(7));
    client->send(login_frame(device, client->exporter(), client->hello()));
    ASSERT_TRUE(journal.wait_for("offered"));
    EXPECT_EQ(server->counters().logins, 0U);
    {
        const std::lock_guard lock(mutex);
        answer(ok());
    }
    const auto done = client->read();
    ASSERT_TRUE(done.has_value() && done->has_done());
    EXPECT_EQ(done->request(), 7U);
    const auto welcome = client->read();
    EXPECT_TRUE(welcome.has_value() && welcome->has_welcome());
}

TEST_F(Link, a_refused_offer_is_answered_and_the_login_may_follow) {
    authority.on_offer = [](const SignedBytes&, const std::function<void(Result<void>)>& done) {
        done(Errc::trust_list_too_old);
    };
    start();
    const auto client = connect();
    client->send(offer_frame(7));
    expect_error(client->read(), Errc::trust_list_too_old);
    client->send(login_frame(device, client->exporter(), client->hello()));
    const auto welcome = client->read();
    EXPECT_TRUE(welcome.has_value() && welcome->has_welcome());
}

TEST_F(Link, an_offer_that_is_no_signed_document_is_malformed_and_never_reaches_the_authority) {
    authority.on_offer = [](const SignedBytes&, const std::function<void(Result<void>)>&) { ADD_FAILURE(); };
    start();
    const auto client = connect();
    auto offer = offer_frame(7);
    offer.mutable_offer_trust_list()->mutable_trust_list()->clear_body();
    client->send(offer);
    expect_error(client->read(), Errc::malformed);
}

TEST_F(Link, of_two_offers_in_a_session_the_second_is_busy_while_the_first_waits) {
    std::mutex mutex;
    std::function<void(Result<void>)> answer;
    authority.on_offer = [&](const SignedBytes&, std::function<void(Result<void>)> done) {
        const std::lock_guard lock(mutex);
        answer = std::move(done);
    };
    start();
    const auto client = log_in(device);
    client->send(offer_frame(1));
    client->send(offer_frame(2));
    const auto busy = client->read();
    ASSERT_TRUE(busy.has_value());
    expect_error(busy, Errc::busy);
    EXPECT_EQ(busy->request(), 2U);
    {
        const std::lock_guard lock(mutex);
        answer(ok());
    }
    const auto done = client->read();
    EXPECT_TRUE(done.has_value() && done->has_done() && done->request() == 1);
}

TEST_F(Link, frames_that_break_RFC_6455_end_the_connection_with_their_close_code) {
    struct Broken {
        const char* what;
        Bytes bytes;
        int code;
    };
    const std::vector<Broken> all = {
        {"unmasked", encode({.masked = false}, pattern(3)), 1002},
        {"RSV1", encode({.reserved = 4}, pattern(3)), 1002},
        {"RSV2", encode({.reserved = 2}, pattern(3)), 1002},
        {"RSV3", encode({.reserved = 1}, pattern(3)), 1002},
        {"a reserved opcode", encode({.opcode = static_cast<Opcode>(3)}, pattern(3)), 1002},
        {"a reserved control opcode", encode({.opcode = static_cast<Opcode>(11)}), 1002},
        {"a fragmented ping", encode({.opcode = Opcode::ping, .final = false}), 1002},
        {"a ping of 126 bytes", encode({.opcode = Opcode::ping}, pattern(126)), 1002},
        {"a continuation of nothing", encode({.opcode = Opcode::continuation}, pattern(3)), 1002},
        {"a message within a message", joined({encode({.final = false}, pattern(3)), encode({}, pattern(3))}), 1002},
        {"a length longer than need be", encode({.length_form = 2}, pattern(3)), 1002},
        {"a close frame of one byte", encode({.opcode = Opcode::close}, pattern(1)), 1002},
        {"fragments of text", encode({.opcode = Opcode::text, .final = false}, pattern(3)), 1003},
        {"a claim of 128 KiB and one byte", encode({.length_form = 8, .length = limits::message_bytes + 1}), 1009},
        {"fragments of 128 KiB and one byte",
         joined({encode({.final = false}, Bytes(limits::message_bytes)),
                 encode({.opcode = Opcode::continuation}, Bytes(1))}),
         1009},
    };
    start();
    for (const auto& broken : all) {
        const auto client = log_in(device);
        client->send_raw(broken.bytes);
        EXPECT_TRUE(client->read_to_end()) << broken.what;
        EXPECT_EQ(client->close_code(), broken.code) << broken.what;
    }
    EXPECT_EQ(server->counters().protocol_errors, all.size());
}

TEST_F(Link, a_malformed_frame_is_answered_and_ends_the_connection) {
    start();
    const auto client = log_in(device);
    client->send_raw(encode({}, Bytes{2, 0xff, 0xff}));
    expect_error(client->read(), Errc::malformed);
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(client->close_code(), 1002);
}

TEST_F(Link, a_request_this_version_does_not_know_is_answered_and_the_session_goes_on) {
    start();
    const auto client = log_in(device);
    client->send_raw(encode({}, Bytes{6, 0x08, 0x07, 0xca, 0x3e, 0x01, 0x00}));  // request 7, field 1001
    const auto error = client->read();
    expect_error(error, Errc::unsupported);
    EXPECT_EQ(error->request(), 7U);
    client->send(pause_frame());
    EXPECT_TRUE(journal.wait_for("frame 23"));
}

TEST_F(Link, text_that_is_not_UTF_8_is_malformed_and_says_nothing_on_standard_error) {
    start();
    const auto client = log_in(device);
    wire::Frame frame;
    frame.set_request(1);
    frame.mutable_look_up()->set_service_number("\xff");
    const auto bytes = frame.SerializeAsString();
    Bytes message;
    append_frame(message, view(bytes));
    ::testing::internal::CaptureStderr();
    client->send_raw(encode({}, message));
    expect_error(client->read(), Errc::malformed);
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(Link, text_is_refused_with_1003) {
    start();
    const auto client = log_in(device);
    client->send_raw(encode({.opcode = Opcode::text}, pattern(3)));
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(client->close_code(), 1003);
}

TEST_F(Link, more_than_16_KiB_before_the_welcome_are_refused_and_128_KiB_are_not_after_it) {
    start();
    const auto early = connect();
    early->send_raw(encode({.length = limits::message_before_welcome_bytes + 1}));
    EXPECT_TRUE(early->read_to_end());
    EXPECT_EQ(early->close_code(), 1009);
    const auto client = log_in(device);
    wire::Frame frame;
    frame.mutable_set_push_token()->set_token(std::string(limits::message_bytes - 12, 'x'));
    ASSERT_GT(frame.ByteSizeLong() + 3, limits::message_bytes - 8);
    client->send(frame);
    EXPECT_TRUE(journal.wait_for("frame 27"));
    client->send_raw(encode({.length = limits::message_bytes + 1}));
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(client->close_code(), 1009);
}

TEST_F(Link, a_peers_close_is_echoed) {
    start();
    const auto client = log_in(device);
    client->send_raw(encode({.opcode = Opcode::close}, Bytes{0x03, 0xe8}));
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(client->close_code(), 1000);
}

TEST_F(Link, shutdown_asks_the_handlers_tells_the_sessions_and_leaves_nothing_alive) {
    start();
    const auto client = log_in(device);
    const auto waiting = connect();
    ASSERT_TRUE(journal.wait_for("ready"));
    server->shutdown();
    expect_error(client->read(), Errc::shutting_down);
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(client->close_code(), 1001);
    EXPECT_TRUE(waiting->read_to_end());
    const auto counters = server->counters();
    EXPECT_EQ(counters.open, 0U);
    EXPECT_EQ(counters.sessions, 0U);
    const auto lines = journal.lines();
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "shutdown"), 2);
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "close " + device.id.hex()),
              1);  // on_close came before the return
}

TEST_F(Link, a_shutdown_that_a_handler_never_answers_is_forced_when_its_time_is_over) {
    EXPECT_EQ(LinkConfig().times.shutdown, 10s);
    config.times.shutdown = 100ms;
    std::vector<std::function<void()>> kept;
    for (const auto& handler : handlers)
        handler->keeps_shutdown_answers = &kept;
    start();
    const auto client = log_in(device);
    ASSERT_TRUE(journal.wait_for("ready"));
    const auto before = std::chrono::steady_clock::now();
    server->shutdown();
    EXPECT_GE(std::chrono::steady_clock::now() - before, 99ms);
    EXPECT_FALSE(client->read().has_value());
    EXPECT_EQ(server->counters().open, 0U);
    EXPECT_TRUE(journal.wait_for("close " + device.id.hex()));
}

TEST_F(Link, an_answer_to_the_shutdown_may_live_longer_than_server_and_loops) {
    config.times.shutdown = 50ms;
    std::vector<std::function<void()>> kept;
    auto own_loops = std::make_unique<EventLoops>(1);
    handlers[0]->keeps_shutdown_answers = &kept;
    auto own = std::make_unique<LinkServer>(config, *own_loops, authority,
                                            std::vector<SessionHandler*>{handlers[0].get()}, Log::none());
    ASSERT_TRUE(own->start().has_value());
    own->shutdown();
    own_loops->stop();
    own.reset();
    own_loops.reset();
    ASSERT_EQ(kept.size(), 1U);
    kept[0]();
    kept.clear();
}

TEST_F(Link, having_no_descriptors_left_is_survived) {
    config.times.accept_pause = 10ms;
    start();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    {
        // The client's socket takes the last descriptor, so that accept() finds none.
        const LinkTestClient probe(server->port());
        while (server->counters().accepted < 1)
            std::this_thread::yield();
        std::size_t used = 0;
        for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
            ++used;
        const rlimit tight{used, before.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &tight);
        const LinkTestClient unlucky(server->port());
        const auto deadline = std::chrono::steady_clock::now() + 5s;
        while (server->counters().accept_failed == 0 && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        EXPECT_GT(server->counters().accept_failed, 0U);
        ::setrlimit(RLIMIT_NOFILE, &before);
    }
    EXPECT_NE(log_in(device), nullptr);
}

TEST_F(Link, a_port_in_use_and_unusable_keys_are_told_apart) {
    start();
    auto second = config;
    second.listen = {{"127.0.0.1", server->port()}};
    EXPECT_EQ(LinkServer(second, loops, authority, {handlers[0].get(), handlers[1].get()}, Log::none()).start().error(),
              Errc::port_in_use);
    second.private_key_file = second.certificate_file;
    EXPECT_EQ(LinkServer(second, loops, authority, {handlers[0].get(), handlers[1].get()}, Log::none()).start().error(),
              Errc::config_invalid);
}

}  // namespace
}  // namespace melder::server::test
