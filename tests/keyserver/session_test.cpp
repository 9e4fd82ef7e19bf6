#include "tests/keyserver/police_force.hpp"

#include "core/limits.hpp"
#include "server/stores/wait_for.hpp"

namespace melder::keyserver::testing {
namespace {

class RecordingSession final : public server::Session {
public:
    explicit RecordingSession(server::Peer peer) : peer_(std::move(peer)) {}
    [[nodiscard]] server::SessionId id() const noexcept override { return 1; }
    [[nodiscard]] const server::Peer& peer() const noexcept override { return peer_; }
    [[nodiscard]] std::size_t home_core() const noexcept override { return 0; }
    [[nodiscard]] bool send(const wire::Frame& frame) override {
        sent.push_back(frame);
        return true;
    }
    [[nodiscard]] bool send_encoded(BytesView) override { return true; }
    [[nodiscard]] std::size_t outbox_room_bytes() const noexcept override { return 1 << 20; }
    void close(Errc) override { closed = true; }

    std::vector<wire::Frame> sent;
    bool closed = false;

private:
    server::Peer peer_;
};

/// Keeps work until it is asked for.
struct HeldLane {
    std::vector<std::function<void()>> work;
    [[nodiscard]] server::Executor executor() {
        return [this](std::function<void()> next) { work.push_back(std::move(next)); };
    }
    void run() {
        for (std::size_t i = 0; i < work.size(); ++i)
            std::exchange(work[i], {})();
        work.clear();
    }
};

wire::Frame request(std::uint32_t number) {
    wire::Frame frame;
    frame.set_request(number);
    frame.mutable_check_prekeys();
    return frame;
}

TEST_F(PoliceForce, the_day_and_version_of_a_login_are_shown_at_once_written_at_the_next_tick_and_kept) {
    const auto phone = enrolled(meier_);
    wire::ShowDevice show;
    show.set_enrolment_id(phone.id.string());
    EXPECT_EQ(keyserver_->show_device(show)->last_seen_s(), 0u);
    auto peer = peer_of(phone);
    peer.client_version = "app 3.2";
    peer.protocol = 1;
    const auto stored = [&] {
        return server::wait_for<std::optional<server::LoginRow>>(
                   [&](auto executor, auto done) { store_->load_login(phone.id, executor, done); })
            .value();
    };
    RecordingSession session(peer);
    KeyserverCore core(*keyserver_, lanes_, inline_executor);
    wire::Welcome welcome;
    core.on_open(session, welcome);
    const auto day = static_cast<std::uint64_t>(clock_.wall().seconds()) / 86'400;
    EXPECT_EQ(keyserver_->show_device(show)->last_seen_s(), day * 86'400);
    EXPECT_FALSE(stored().has_value()) << "a login costs no write";
    keyserver_->tick();
    ASSERT_TRUE(stored().has_value());
    EXPECT_EQ(stored()->day, day);
    start();
    const auto shown = keyserver_->show_device(show).value();
    EXPECT_EQ(shown.last_seen_s(), day * 86'400);
    EXPECT_EQ(shown.client_version(), "app 3.2");
    EXPECT_EQ(shown.protocol_version(), 1u);

    // A restricted session is a login too; an administrator's is nobody's.
    clock_.advance(std::chrono::hours(24));
    peer.kind = server::Peer::Kind::restricted;
    peer.client_version = "app 3.3";
    keyserver_->note_login(peer);
    EXPECT_EQ(keyserver_->show_device(show)->client_version(), "app 3.3");
    RecordingSession desk(admin(chief_));
    KeyserverCore other(*keyserver_, lanes_, inline_executor);
    other.on_open(desk, welcome);
    keyserver_->tick();
    EXPECT_FALSE(server::wait_for<std::optional<server::LoginRow>>(
                     [&](auto executor, auto done) { store_->load_login(EnrolmentId{}, executor, done); })
                     .value()
                     .has_value());
}

TEST_F(PoliceForce, a_code_that_was_tried_in_vain_is_told_with_the_last_reason) {
    auto phone = new_phone(meier_);
    ASSERT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
    const auto entry = [&] {
        wire::ShowDevice show;
        show.set_enrolment_id(phone.id.string());
        return keyserver_->show_device(show)->device();
    };
    EXPECT_EQ(entry().refused_tries(), 0u);
    EXPECT_GT(entry().bind_before_s(), 0u);
    // As the link tells: the id is known, the signature is not the code's.
    authority_->on_enrolment_refused(enrol_body(phone), Errc::second_part_wrong);
    EXPECT_EQ(entry().refused_tries(), 1u);
    EXPECT_EQ(static_cast<Errc>(entry().last_refusal()), Errc::second_part_wrong);
    ASSERT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
    EXPECT_EQ(entry().refused_tries(), 1u) << "what succeeds is no try in vain";
    phone.identity = generate_x25519(random_);  // another phone with the same code
    EXPECT_EQ(keyserver_->enrol(enrol_body(phone)).error(), Errc::already_bound);
    EXPECT_EQ(entry().refused_tries(), 2u);
    EXPECT_EQ(static_cast<Errc>(entry().last_refusal()), Errc::already_bound);
    // A code that was never issued is counted nowhere.
    EXPECT_TRUE(keyserver_->enrol(enrol_body(new_phone(meier_))).has_error());
}

TEST(EnrolmentTries, counts_for_no_more_codes_than_it_may) {
    EnrolmentTries tries(1);
    ByteArray<16> bytes{};
    const EnrolmentId first(bytes);
    bytes[0] = 1;
    const EnrolmentId second(bytes);
    tries.note(first, Errc::bad_signature);
    tries.note(second, Errc::bad_signature);
    tries.note(first, Errc::code_expired);
    EXPECT_EQ(tries.find(first)->count, 2u);
    EXPECT_EQ(tries.find(first)->last, Errc::code_expired);
    EXPECT_FALSE(tries.find(second).has_value());
}

TEST(LoginBook, holds_no_more_than_it_may_and_each_device_once) {
    LoginBook book(2);
    server::Peer peer;
    const auto now = UnixTime::from_seconds(20'000 * 86'400 + 5);
    const auto device = [](Byte n) {
        ByteArray<16> bytes{};
        bytes.fill(n);
        return EnrolmentId(bytes);
    };
    for (const Byte n : {1, 2, 3, 1}) {
        peer.device = device(n);
        book.note(peer, now);
    }
    EXPECT_FALSE(book.find(device(3)).has_value());
    EXPECT_EQ(book.find(device(1))->day, 20'000u);
    EXPECT_EQ(book.take().size(), 2u);
    EXPECT_TRUE(book.take().empty());
}

TEST_F(PoliceForce, another_statement_key_signs_once_the_list_names_it_and_dates_of_the_former_count) {
    const auto before = enrolled(meier_);
    const auto next = random_.secret<Ed25519Seed>();
    EXPECT_EQ(keyserver_->use_statement_key(next.clone()).error(), Errc::config_invalid);
    auto fields = keyserver_->trust()->fields();
    const auto list = [&](std::vector<Ed25519Public> keys) {
        ++fields.version;
        fields.statement_keys = std::move(keys);
        SignedBytes document{.body = TrustList::encode(fields).value(), .signatures = {}};
        sign(document, Context::trust_list, root_);
        return document;
    };
    // A list without the key that signs now would silence this server.
    EXPECT_EQ(keyserver_->put_trust_list(list({ed25519_public_of(next)})).error(), Errc::not_allowed);
    --fields.version;
    int told = 0;
    keyserver_->on_trust_list = [&] { ++told; };
    ASSERT_TRUE(keyserver_->put_trust_list(list({ed25519_public_of(statement_), ed25519_public_of(next)})).has_value());
    EXPECT_EQ(told, 1);
    ASSERT_TRUE(keyserver_->use_statement_key(next.clone()).has_value());
    keyserver_->tick();
    const auto statement = keyserver_->newest_statement();
    ASSERT_EQ(statement.signatures.size(), 1u);
    EXPECT_EQ(statement.signatures[0].key_id, key_id_of(ed25519_public_of(next)));
    EXPECT_TRUE(Statement::verify(statement, *keyserver_->trust()).has_value());
    const auto after = enrolled(meier_);
    const auto dated = [&](const Phone& phone) {
        const auto reply = keyserver_->fetch_own_grant(peer_of(phone));
        return reply.has_value();
    };
    EXPECT_TRUE(dated(before));
    EXPECT_TRUE(dated(after));
    wire::LookUp look_up;
    look_up.set_officer_id(meier_.string());
    const auto devices = keyserver_->look_up(peer_of(after), look_up);
    ASSERT_TRUE(devices.has_value()) << devices.error();
    for (const auto& credential : devices->credentials())
        EXPECT_TRUE(Credential::verify(credential, *keyserver_->trust()).has_value());
}

TEST_F(PoliceForce, a_device_with_few_prekeys_is_told_when_it_connects) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    KeyserverCore core(*keyserver_, lanes_, inline_executor);
    wire::Welcome welcome;
    core.on_open(session, welcome);
    core.on_ready(session);
    ASSERT_EQ(session.sent.size(), 1u);
    EXPECT_TRUE(session.sent[0].has_prekeys_low());
    ASSERT_EQ(upload(phone, 1, 100), Errc{});
    core.on_ready(session);
    EXPECT_EQ(session.sent.size(), 1u);
    core.on_close(session);
}

TEST_F(PoliceForce, welcome_says_that_prekeys_are_low_once_that_is_known) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    KeyserverCore core(*keyserver_, lanes_, inline_executor);
    const auto said = [&] {
        wire::Welcome welcome;
        core.on_open(session, welcome);
        core.on_close(session);
        return welcome.prekeys_low();
    };
    ASSERT_EQ(upload(phone, 1, 99), Errc{});
    EXPECT_TRUE(said());
    ASSERT_EQ(upload(phone, 100, 1, 2), Errc{});
    EXPECT_FALSE(said());
    (void)take(enrolled(schulz_), phone);
    EXPECT_TRUE(said()) << "a take brought it below the line";
}

TEST_F(PoliceForce, requests_are_answered_in_order_and_too_many_are_refused_as_busy) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    HeldLane lane;
    KeyserverLanes lanes{lane.executor(), lane.executor()};
    KeyserverCore core(*keyserver_, lanes, inline_executor);
    wire::Welcome welcome;
    core.on_open(session, welcome);
    for (std::uint32_t i = 1; i <= limits::requests_per_session + 2; ++i) {
        auto frame = request(i);
        core.on_frame(session, frame);
    }
    ASSERT_EQ(session.sent.size(), 1u);
    EXPECT_EQ(static_cast<Errc>(session.sent[0].error().code()), Errc::busy);
    EXPECT_GT(session.sent[0].error().retry_after_ms(), 0u);
    while (!lane.work.empty())
        lane.run();
    ASSERT_EQ(session.sent.size(), limits::requests_per_session + 2);
    for (std::uint32_t i = 1; i < session.sent.size(); ++i)
        EXPECT_EQ(session.sent[i].request(), i);
    EXPECT_EQ(lanes.waiting, 0u);
    core.on_close(session);
}

TEST_F(PoliceForce, an_answer_for_a_session_that_closed_goes_nowhere) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    HeldLane lane;
    KeyserverLanes lanes{lane.executor(), lane.executor()};
    KeyserverCore core(*keyserver_, lanes, inline_executor);
    wire::Welcome welcome;
    core.on_open(session, welcome);
    for (std::uint32_t i = 1; i <= 3; ++i) {
        auto frame = request(i);
        core.on_frame(session, frame);
    }
    core.on_close(session);
    lane.run();
    EXPECT_TRUE(session.sent.empty());
    EXPECT_EQ(lanes.waiting, 0u);
}

}  // namespace
}  // namespace melder::keyserver::testing
