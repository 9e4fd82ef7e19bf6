// The client's link against the server's, over real sockets.

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "client/link_connection.hpp"
#include "server/link/link_server.hpp"
#include "server/link/tls_identity.hpp"
#include "tests/client/trust_fixture.hpp"

namespace melder::client {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class Authority final : public server::LoginAuthority {
public:
    std::string hello(const ByteArray<32>& nonce) override {
        return test::TrustFixture::hello(list, nonce).SerializeAsString();
    }
    Result<DeviceLogin> find_device(BytesView encoded) override {
        wire::LoginBody body;
        if (!body.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return Errc::malformed;
        if (body.enrolment_id() != device.string()) return Errc::unknown_device;
        server::Peer peer;
        peer.device = device;
        return DeviceLogin{std::move(peer), device_key};
    }
    Result<AdminLoginInfo> find_admin(BytesView) override {
        server::Peer peer;
        peer.kind = server::Peer::Kind::admin;
        return AdminLoginInfo{std::move(peer), admin_key};
    }
    Result<Ed25519Public> find_enrolment_key(BytesView) override { return enrolment_key; }
    void enrol(Bytes, std::function<void(Result<std::string>)> done) override {
        wire::Enrolled enrolled;
        enrolled.mutable_credential()->set_first_grant_sha256("mark");
        done(enrolled.SerializeAsString());
    }
    void offer_trust_list(SignedBytes offered, std::function<void(Result<void>)> done) override {
        offered_version = TrustList::verify(offered, roots).value().version();
        done(ok());
    }
    void fill_welcome(const server::Peer&, wire::Welcome& welcome) override {
        welcome.add_services(wire::SERVICE_RELAY);
        welcome.add_services(wire::SERVICE_KEYSERVER);
    }

    SignedBytes list;
    RootSet roots;
    EnrolmentId device;
    P256Public device_key;
    Ed25519Public admin_key, enrolment_key;
    std::atomic<std::uint64_t> offered_version = 0;
};

/// Answers FetchOwnGrant with Done, CheckPrekeys with two parts, anything else not at all.
class Handler final : public server::SessionHandler {
public:
    void on_open(server::Session&, wire::Welcome&) override {}
    void on_ready(server::Session& session) override {
        wire::Frame notice;
        notice.mutable_prekeys_low()->set_one_time_count(7);
        (void)session.send(notice);
    }
    void on_frame(server::Session& session, wire::Frame& frame) override {
        wire::Frame reply;
        reply.set_request(frame.request());
        reply.mutable_done();
        if (frame.has_fetch_own_grant() || frame.has_status()) (void)session.send(reply);
        if (frame.has_check_prekeys()) {
            (void)session.send(reply);
            (void)session.send(reply);
        }
        if (frame.has_pause()) session.close(Errc::device_revoked);
    }
    void on_message_end(server::Session&) override { ++messages; }
    void on_writable(server::Session&) override {}
    void on_close(server::Session&) override { ++closed; }
    void on_shutdown(std::function<void()> done) override { done(); }
    std::atomic<int> messages = 0, closed = 0;
};

/// A socket that can fall silent, and whose path can change.
class FragileStream final : public ByteStream {
public:
    struct Control {
        bool deaf = false;
        std::function<void()> changed;
    };
    FragileStream(std::unique_ptr<ByteStream> inner, std::shared_ptr<Control> control)
        : inner_(std::move(inner)), control_(std::move(control)) {}
    void open(const std::string& host, std::uint16_t port, Done done) override {
        inner_->open(host, port, std::move(done));
    }
    void read_some(std::span<Byte> out, ReadDone done) override {
        kept_ = std::make_shared<ReadDone>(std::move(done));
        inner_->read_some(out, [kept = std::weak_ptr<ReadDone>(kept_), control = control_](Result<std::size_t> read) {
            const auto alive = kept.lock();
            if (alive == nullptr || (control->deaf && read.has_value())) return;
            const auto call = std::move(*alive);
            call(std::move(read));
        });
    }
    void write(BytesView bytes, Done done) override { inner_->write(bytes, std::move(done)); }
    void close() noexcept override {
        inner_->close();
        kept_.reset();
    }
    void on_path_changed(std::function<void()> changed) override { control_->changed = std::move(changed); }

private:
    std::unique_ptr<ByteStream> inner_;
    std::shared_ptr<Control> control_;
    std::shared_ptr<ReadDone> kept_;
};

class LinkConnectionTest : public testing::Test, protected test::TrustFixture {
protected:
    void SetUp() override {
        directory_ = std::filesystem::temp_directory_path() /
                     ("melder-client-" + to_hex(system_random().id<EnrolmentId>().view()));
        std::filesystem::create_directory(directory_);
        const auto identity = server::make_tls_identity();
        spki = identity.spki_sha256;
        write("tls.crt", view(identity.certificate_pem));
        write("tls.key", identity.private_key_pem.expose());
        authority.list = list(3, spki);
        authority.roots = roots;
        authority.device = device;
        authority.device_key = device_keys.public_key;
        authority.admin_key = ed25519_public_of(admin_seed);
        authority.enrolment_key = ed25519_public_of(enrolment_seed);
        server::LinkConfig config;
        config.listen = {{"127.0.0.1", 0}};
        config.certificate_file = directory_ / "tls.crt";
        config.private_key_file = directory_ / "tls.key";
        link_server = std::make_unique<server::LinkServer>(
            config, loops, authority, std::vector<server::SessionHandler*>{&handler}, server::Log::none());
        ASSERT_TRUE(link_server->start().has_value());
        connect_afresh({});
    }
    void TearDown() override {
        link.reset();
        link_server->shutdown();
        loops.stop();
        std::filesystem::remove_all(directory_);
    }
    void write(const char* name, BytesView bytes) {
        std::ofstream(directory_ / name, std::ios::binary)
            .write(as_chars(bytes).data(), static_cast<std::streamsize>(bytes.size()));
    }
    void connect_afresh(const LinkTimes& times) {
        const auto make = [this](const asio::any_io_executor& executor) {
            return std::make_unique<FragileStream>(make_socket_stream(executor), stream);
        };
        link = std::make_unique<LinkConnection>(context.get_executor(), make, times);
        link->on_frame([this](wire::Frame& frame) { notices.push_back(frame); });
        link->on_closed([this](const Error& why) { closed.push_back(why.code()); });
    }
    template <class Condition>
    bool run_until(Condition condition) {
        context.restart();
        const auto limit = std::chrono::steady_clock::now() + 5s;
        while (!condition() && std::chrono::steady_clock::now() < limit) {
            if (context.run_one_for(20ms) == 0) context.restart();
        }
        return condition();
    }
    template <class T, class Start>
    Result<T> wait(Start start) {
        auto outcome = std::make_shared<std::optional<Result<T>>>();
        start([outcome](Result<T> result) { *outcome = std::move(result); });
        EXPECT_FALSE(outcome->has_value()) << "a completion ran inside the call";
        if (!run_until([&] { return outcome->has_value(); })) return Error(Errc::internal, "the test waited in vain");
        return std::move(**outcome);
    }
    Result<ServerHello> connect(std::shared_ptr<const TrustList> known = nullptr) {
        return wait<ServerHello>(
            [&](auto done) { link->connect({"127.0.0.1", link_server->port()}, {roots, known, 0}, done); });
    }
    Result<wire::Welcome> login() {
        return wait<wire::Welcome>(
            [&](auto done) { link->login({.device = device, .client_version = "test"}, login_key, done); });
    }
    void open() {
        const auto hello = connect();
        ASSERT_TRUE(hello.has_value()) << hello.error();
        const auto welcome = login();
        ASSERT_TRUE(welcome.has_value()) << welcome.error();
    }

    asio::io_context context;
    Hash spki;
    EnrolmentId device = random.id<EnrolmentId>();
    P256KeyPair device_keys = generate_p256();
    MemoryLoginKey login_key{device_keys.private_key.clone()};
    Ed25519Seed admin_seed = random.secret<Ed25519Seed>();
    Ed25519Seed enrolment_seed = random.secret<Ed25519Seed>();
    Authority authority;
    Handler handler;
    server::EventLoops loops{1};
    std::shared_ptr<FragileStream::Control> stream = std::make_shared<FragileStream::Control>();
    std::unique_ptr<server::LinkServer> link_server;
    std::vector<wire::Frame> notices;
    std::vector<Errc> closed;
    std::unique_ptr<LinkConnection> link;

private:
    std::filesystem::path directory_;
};

TEST_F(LinkConnectionTest, a_device_logs_in_and_receives_what_the_server_sends_unasked) {
    open();
    EXPECT_TRUE(link->is_open());
    ASSERT_TRUE(run_until([&] { return !notices.empty(); }));
    EXPECT_EQ(notices[0].prekeys_low().one_time_count(), 7u);
}

TEST_F(LinkConnectionTest, nothing_is_said_to_a_server_whose_key_is_not_pinned) {
    authority.list = list(3, random.id<Hash>());
    const auto hello = connect();
    ASSERT_TRUE(hello.has_error());
    EXPECT_EQ(hello.error(), Errc::wrong_server_key);
    ASSERT_TRUE(run_until([&] { return !closed.empty(); }));
    EXPECT_EQ(link_server->counters().frames_in, 0u);
    const auto refused = login();
    EXPECT_EQ(refused.error(), Errc::out_of_order);
}

TEST_F(LinkConnectionTest, a_server_with_an_older_list_is_handed_the_newer_one) {
    authority.list = list(3, spki);
    ASSERT_TRUE(connect(verified(list(4, spki))).has_value());
    ASSERT_TRUE(login().has_value());
    EXPECT_EQ(authority.offered_version, 4u);
}

TEST_F(LinkConnectionTest, a_login_by_another_key_is_refused_as_such) {
    MemoryLoginKey wrong(generate_p256().private_key.clone());
    ASSERT_TRUE(connect().has_value());
    const auto welcome =
        wait<wire::Welcome>([&](auto done) { link->login({.device = device, .client_version = ""}, wrong, done); });
    ASSERT_TRUE(welcome.has_error());
    EXPECT_EQ(welcome.error(), Errc::login_refused);
}

TEST_F(LinkConnectionTest, an_administrator_logs_in_and_asks) {
    ASSERT_TRUE(connect().has_value());
    ASSERT_TRUE(wait<wire::Welcome>([&](auto done) { link->admin_login(admin_seed, done); }).has_value());
    wire::Frame status;
    status.mutable_status();
    EXPECT_TRUE(wait<wire::Frame>([&](auto done) { link->request(status, 2s, done); }).has_value());
}

TEST_F(LinkConnectionTest, a_phone_enrols_and_logs_in_on_one_connection) {
    ASSERT_TRUE(connect().has_value());
    const auto credential = wait<wire::Credential>(
        [&](auto done) { link->enrol(device, SignedBinding{{1}, {}, {}}, enrolment_seed, done); });
    ASSERT_TRUE(credential.has_value()) << credential.error();
    EXPECT_EQ(credential->first_grant_sha256(), "mark");
    EXPECT_TRUE(login().has_value());
}

TEST_F(LinkConnectionTest, what_is_queued_in_one_turn_leaves_as_one_message) {
    open();
    const auto before = handler.messages.load();
    wire::Frame frame;
    frame.mutable_fetch_own_grant();
    int replies = 0;
    for (int i = 0; i < 50; ++i)
        link->request(frame, 2s, [&](const Result<wire::Frame>& r) { replies += r.has_value(); });
    ASSERT_TRUE(run_until([&] { return replies == 50; }));
    EXPECT_EQ(handler.messages - before, 1);
    EXPECT_EQ(link->queued_bytes(), 0u);
}

TEST_F(LinkConnectionTest, a_reply_in_parts_is_handed_over_part_by_part) {
    open();
    wire::Frame frame;
    frame.mutable_check_prekeys();
    int parts = 0;
    link->request_parts(frame, 2s, [&](const Result<wire::Frame>&) {
        return ++parts < 2 ? LinkConnection::Reply::more_to_come : LinkConnection::Reply::last_part;
    });
    EXPECT_TRUE(run_until([&] { return parts == 2; }));
}

TEST_F(LinkConnectionTest, a_request_without_an_answer_ends_with_its_deadline) {
    open();
    wire::Frame frame;
    frame.mutable_fetch_trust_list();
    const auto reply = wait<wire::Frame>([&](auto done) { link->request(frame, 50ms, done); });
    EXPECT_EQ(reply.error(), Errc::deadline_exceeded);
    EXPECT_TRUE(link->is_open());
}

TEST_F(LinkConnectionTest, a_frame_that_no_message_holds_and_a_full_outbox_are_refused) {
    open();
    wire::Frame frame;
    frame.mutable_set_push_token()->set_token(std::string(limits::message_bytes, 'x'));
    EXPECT_EQ(link->send(frame).error(), Errc::too_large);
    frame.mutable_set_push_token()->set_token(std::string(100'000, 'x'));
    Result<void> sent;
    for (int i = 0; i < 20 && sent.has_value(); ++i)
        sent = link->send(frame);
    EXPECT_EQ(sent.error(), Errc::busy);
    EXPECT_LE(link->queued_bytes(), limits::outbox_hard_bytes);
}

TEST_F(LinkConnectionTest, the_servers_reason_for_closing_reaches_the_client) {
    open();
    wire::Frame frame;
    frame.mutable_pause();
    ASSERT_TRUE(link->send(frame).has_value());
    ASSERT_TRUE(run_until([&] { return !closed.empty(); }));
    EXPECT_EQ(closed, std::vector{Errc::device_revoked});
    EXPECT_EQ(link->send(frame).error(), Errc::not_connected);
}

TEST_F(LinkConnectionTest, closing_sends_what_is_queued_and_says_goodbye) {
    open();
    wire::Frame frame;
    frame.mutable_set_push_token()->set_token("last words");
    ASSERT_TRUE(link->send(frame).has_value());
    const auto before = handler.messages.load();
    link->close();
    ASSERT_TRUE(run_until([&] { return !closed.empty() && handler.closed == 1; }));
    EXPECT_EQ(closed, std::vector{Errc::closed});
    EXPECT_EQ(handler.messages - before, 1);
}

TEST_F(LinkConnectionTest, a_connection_that_dies_cancels_what_is_outstanding) {
    open();
    std::optional<Errc> outcome;
    wire::Frame frame;
    frame.mutable_fetch_trust_list();
    link->request(frame, 10s, [&](const Result<wire::Frame>& reply) { outcome = reply.error().code(); });
    link.reset();
    ASSERT_TRUE(run_until([&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome, Errc::cancelled);
    EXPECT_TRUE(closed.empty());
}

TEST_F(LinkConnectionTest, connection_and_loop_may_die_at_any_moment_without_running_dry) {
    link.reset();
    int done = 0;
    // One step of the loop more each time, until everything that happens here has happened.
    for (int steps = 0; done < 3; ++steps) {
        ASSERT_LT(steps, 1000) << "the connection never came so far";
        done = 0;
        auto loop = std::make_unique<asio::io_context>();
        auto dying = std::make_unique<LinkConnection>(loop->get_executor(), make_socket_stream, LinkTimes{});
        dying->on_closed([](const Error&) { ADD_FAILURE() << "it was told of its own end"; });
        dying->connect({"127.0.0.1", link_server->port()}, {roots, nullptr, 0}, [&](const Result<ServerHello>& hello) {
            if (hello.has_error()) return;
            ++done;
            dying->login({.device = device, .client_version = "test"}, login_key, [&](Result<wire::Welcome> welcome) {
                if (welcome.has_error()) return;
                ++done;
                wire::Frame frame;
                frame.mutable_fetch_own_grant();
                dying->request(frame, 10s, [&](Result<wire::Frame> reply) { done += reply.has_value() ? 1 : 0; });
            });
        });
        for (int i = 0; i < steps && done < 3; ++i)
            (void)loop->run_one_for(1s);
        dying.reset();
        loop.reset();
    }
}

TEST_F(LinkConnectionTest, a_silent_server_is_pinged_and_given_up) {
    LinkTimes times;
    times.ping = 30ms;
    times.dead = 300ms;
    connect_afresh(times);
    open();
    // Pings are answered: it lives through many times the silence allowed.
    const auto later = std::chrono::steady_clock::now() + 3 * times.dead;
    ASSERT_TRUE(run_until([&] { return std::chrono::steady_clock::now() > later; }));
    ASSERT_TRUE(closed.empty());
    stream->deaf = true;
    ASSERT_TRUE(run_until([&] { return !closed.empty(); }));
    EXPECT_EQ(closed, std::vector{Errc::network});
}

TEST_F(LinkConnectionTest, a_changed_path_that_leads_nowhere_is_noticed_long_before_the_dead_peer_limit) {
    LinkTimes times;
    times.path_check = 100ms;
    connect_afresh(times);
    open();
    ASSERT_TRUE(run_until([&] { return !notices.empty(); }));
    stream->deaf = true;
    stream->changed();
    ASSERT_TRUE(run_until([&] { return !closed.empty(); }));
    EXPECT_EQ(closed, std::vector{Errc::network});
}

TEST_F(LinkConnectionTest, a_server_that_accepts_and_says_nothing_meets_the_handshake_deadline) {
    asio::ip::tcp::acceptor mute(context, {asio::ip::address_v4::loopback(), 0});
    LinkTimes times;
    times.handshake = 50ms;
    connect_afresh(times);
    const auto hello = wait<ServerHello>(
        [&](auto done) { link->connect({"127.0.0.1", mute.local_endpoint().port()}, {roots, nullptr, 0}, done); });
    EXPECT_EQ(hello.error(), Errc::deadline_exceeded);
}

TEST_F(LinkConnectionTest, nobody_listening_is_a_network_error) {
    std::uint16_t port = 0;
    {
        asio::ip::tcp::acceptor gone(context, {asio::ip::address_v4::loopback(), 0});
        port = gone.local_endpoint().port();
    }
    const auto hello =
        wait<ServerHello>([&](auto done) { link->connect({"127.0.0.1", port}, {roots, nullptr, 0}, done); });
    EXPECT_EQ(hello.error(), Errc::network);
}

TEST_F(LinkConnectionTest, while_reading_is_paused_nothing_is_handed_over) {
    open();
    ASSERT_TRUE(run_until([&] { return !notices.empty(); }));
    link->pause_reading();
    wire::Frame frame;
    frame.mutable_fetch_own_grant();
    int replies = 0;
    // The read on its way may still bring the first reply; the next waits.
    link->request(frame, 5s, [&](const Result<wire::Frame>&) { ++replies; });
    ASSERT_TRUE(run_until([&] { return replies == 1; }));
    const auto before = handler.messages.load();
    link->request(frame, 5s, [&](const Result<wire::Frame>&) { ++replies; });
    ASSERT_TRUE(run_until([&] { return handler.messages == before + 1; }));
    (void)run_until(
        [quiet = std::chrono::steady_clock::now() + 50ms] { return std::chrono::steady_clock::now() > quiet; });
    EXPECT_EQ(replies, 1);
    link->resume_reading();
    EXPECT_TRUE(run_until([&] { return replies == 2; }));
}

}  // namespace
}  // namespace melder::client
