// The link over real sockets, driven by a client of hand-made frames.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>

#include "core/frame_codec.hpp"
#include "core/limits.hpp"
#include "server/link/link_server.hpp"
#include "server/link/tls_identity.hpp"
#include "tests/server/link_client_frames.hpp"
#include "tests/server/link_test_client.hpp"

namespace melder::server {
namespace {

using namespace std::chrono_literals;
using test::encode;
using test::LinkTestClient;
using test::pattern;

/// What the server's side saw, in order, and a way to wait for it.
class Journal {
public:
    void note(std::string line) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
        changed_.notify_all();
    }
    [[nodiscard]] bool wait_for(const std::string& line, std::size_t times = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 5s, [&] {
            return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line)) >= times;
        });
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> lines_;
};

class TestAuthority final : public LoginAuthority {
public:
    std::string hello(const ByteArray<32>& nonce) override {
        wire::Hello hello;
        hello.set_lowest_version(1);
        hello.set_highest_version(1);
        hello.set_nonce(to_string(nonce));
        return hello.SerializeAsString();
    }
    Result<DeviceLogin> find_device(BytesView login_body) override {
        const std::lock_guard lock(mutex_);
        wire::LoginBody body;
        if (!body.ParseFromArray(login_body.data(), static_cast<int>(login_body.size()))) return Errc::malformed;
        const auto found = devices_.find(body.enrolment_id());
        if (found == devices_.end()) return Errc::unknown_device;
        auto answer = found->second;
        if (restrict_after_first_) found->second.peer.kind = Peer::Kind::restricted;
        return answer;
    }
    Result<AdminLoginInfo> find_admin(BytesView) override {
        Peer peer;
        peer.kind = Peer::Kind::admin;
        return AdminLoginInfo{std::move(peer), ed25519_public_of(admin_seed)};
    }
    Result<Ed25519Public> find_enrolment_key(BytesView) override { return ed25519_public_of(enrolment_seed); }
    void enrol(Bytes, std::function<void(Result<std::string>)> done) override {
        done(wire::Enrolled().SerializeAsString());
    }
    void offer_trust_list(SignedBytes, std::function<void(Result<void>)> done) override { done(ok()); }
    void fill_welcome(const Peer&, wire::Welcome& welcome) override { welcome.add_services(wire::SERVICE_RELAY); }

    void set(const EnrolmentId& id, const P256Public& key, Peer::Kind kind) {
        const std::lock_guard lock(mutex_);
        Peer peer;
        peer.kind = kind;
        peer.device = id;
        devices_[id.string()] = {std::move(peer), key};
    }
    void restrict_after_first_answer() { restrict_after_first_ = true; }

    const Ed25519Seed admin_seed = system_random().secret<Ed25519Seed>();
    const Ed25519Seed enrolment_seed = system_random().secret<Ed25519Seed>();

private:
    std::mutex mutex_;
    std::map<std::string, DeviceLogin> devices_;
    std::atomic<bool> restrict_after_first_ = false;
};

class TestHandler final : public SessionHandler {
public:
    explicit TestHandler(Journal& journal) : journal_(journal) {}
    void on_open(Session& session, wire::Welcome&) override { journal_.note("open " + session.peer().device.hex()); }
    void on_ready(Session& session) override {
        journal_.note("ready");
        if (on_ready_do) on_ready_do(session);
    }
    void on_frame(Session& session, wire::Frame& frame) override {
        journal_.note("frame " + std::to_string(frame.body_case()));
        if (on_frame_do) on_frame_do(session, frame);
    }
    void on_message_end(Session&) override { journal_.note("message end"); }
    void on_writable(Session&) override { journal_.note("writable"); }
    void on_close(Session& session) override { journal_.note("close " + session.peer().device.hex()); }
    void on_shutdown(std::function<void()> done) override {
        journal_.note("shutdown");
        done();
    }
    std::function<void(Session&)> on_ready_do;
    std::function<void(Session&, wire::Frame&)> on_frame_do;

private:
    Journal& journal_;
};

struct Device {
    EnrolmentId id = system_random().id<EnrolmentId>();
    P256KeyPair key = generate_p256();
};

wire::Frame login_frame(const Device& device, const TlsExporter& exporter, const std::string& hello) {
    wire::LoginBody body;
    body.set_enrolment_id(device.id.string());
    body.set_version(1);
    wire::Frame frame;
    frame.set_request(1);
    auto& login = *frame.mutable_login();
    login.set_body(body.SerializeAsString());
    const auto input = login_transcript(Context::login, exporter, view(hello), view(login.body()));
    login.set_signature(to_string(sign_p256(device.key.private_key, input).value()));
    return frame;
}

wire::Frame request(wire::Frame frame, std::uint32_t number) {
    frame.set_request(number);
    return frame;
}
wire::Frame pause_frame() {
    wire::Frame frame;
    frame.mutable_pause();
    return frame;
}
wire::Frame fetch_statement(std::uint32_t number) {
    wire::Frame frame;
    frame.mutable_fetch_statement();
    return request(frame, number);
}

class Link : public ::testing::Test {
protected:
    Link()
        : folder_(std::filesystem::temp_directory_path() / ("melder_link_" + system_random().id<EnvelopeId>().hex())) {
        std::filesystem::create_directories(folder_);
        const auto identity = make_tls_identity();
        std::ofstream(folder_ / "cert.pem") << identity.certificate_pem;
        std::ofstream(folder_ / "key.pem") << as_chars(identity.private_key_pem.expose());
        config.listen = {{"127.0.0.1", 0}};
        config.certificate_file = folder_ / "cert.pem";
        config.private_key_file = folder_ / "key.pem";
        config.times.tick = 5ms;
        config.times.closing = 300ms;
        for (std::size_t i = 0; i < loops.size(); ++i)
            handlers.push_back(std::make_unique<TestHandler>(journal));
        authority.set(device.id, device.key.public_key, Peer::Kind::device);
    }
    ~Link() override {
        if (server) server->shutdown();
        loops.stop();
        std::filesystem::remove_all(folder_);
    }

    void start() {
        std::vector<SessionHandler*> pointers;
        for (const auto& handler : handlers)
            pointers.push_back(handler.get());
        server = std::make_unique<LinkServer>(config, loops, authority, pointers, Log::none());
        ASSERT_TRUE(server->start().has_value());
    }
    std::unique_ptr<LinkTestClient> connect(int receive_buffer_bytes = 0) {
        auto client = std::make_unique<LinkTestClient>(server->port(), receive_buffer_bytes);
        EXPECT_TRUE(client->open());
        return client;
    }
    std::unique_ptr<LinkTestClient> log_in(const Device& who, int receive_buffer_bytes = 0) {
        auto client = connect(receive_buffer_bytes);
        client->send(login_frame(who, client->exporter(), client->hello()));
        const auto welcome = client->read();
        EXPECT_TRUE(welcome.has_value() && welcome->has_welcome());
        return client;
    }
    TestHandler& home_handler(const Device& who) { return *handlers[home_core_of(who.id, loops.size())]; }
    static void expect_error(const std::optional<wire::Frame>& frame, Errc code) {
        ASSERT_TRUE(frame.has_value());
        ASSERT_TRUE(frame->has_error());
        EXPECT_EQ(frame->error().code(), static_cast<std::uint32_t>(code));
    }

    std::filesystem::path folder_;
    LinkConfig config;
    EventLoops loops{2};
    Journal journal;
    TestAuthority authority;
    std::vector<std::unique_ptr<TestHandler>> handlers;
    std::unique_ptr<LinkServer> server;
    Device device;
};

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
    expect_error(client->read(), Errc::bad_signature);
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

TEST_F(Link, a_peers_close_is_echoed) {
    start();
    const auto client = log_in(device);
    client->send_raw(encode({.opcode = Opcode::close}, Bytes{0x03, 0xe8}));
    EXPECT_TRUE(client->read_to_end());
    EXPECT_EQ(client->close_code(), 1000);
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
    EXPECT_EQ(lines.back(), "close " + device.id.hex());
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
}  // namespace melder::server
