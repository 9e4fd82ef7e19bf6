// Devices and administrators against the real server: TLS, WebSocket, login, keyserver, relay and RocksDB, on loopback.

#include <gtest/gtest.h>

#include "core/transcript.hpp"
#include "proto/link.pb.h"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {
namespace {

class Server : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(world.start().has_value()); }

    static OfficerId officer() { return system_random().id<OfficerId>(); }
    static UnixTime tomorrow() { return system_clock().wall() + std::chrono::hours(24); }
    static wire::Frame frame_of(wire::Submit submit) {
        wire::Frame frame;
        *frame.mutable_submit() = std::move(submit);
        return frame;
    }
    static wire::Frame ack_of(const wire::Delivery& delivery) {
        wire::Frame frame;
        auto& ref = *frame.mutable_ack()->add_envelopes();
        ref.set_lane(delivery.lane());
        ref.set_envelope_id(delivery.envelope_id());
        return frame;
    }

    World world;
};

template <class T>
void expect_error(const Result<T>& result, Errc code) {
    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().code(), code) << result.error().message();
}

TEST_F(Server, a_granted_phone_enrols_and_logs_in) {
    const auto phone = world.issue(officer());
    const auto credential = world.enrol(phone);
    ASSERT_TRUE(credential.has_value()) << credential.error().message();

    wire::Welcome welcome;
    ASSERT_TRUE(world.login(phone, &welcome).has_value());
    EXPECT_FALSE(welcome.restricted());
    EXPECT_EQ(welcome.services_size(), 2);
    EXPECT_EQ(welcome.submit_credit(), limits::submit_credit);
}

TEST_F(Server, a_code_binds_once_and_the_same_binding_again_is_answered_again) {
    auto phone = world.phone(officer());
    EXPECT_TRUE(world.enrol(phone).has_value());
    const auto other = generate_x25519(system_random());
    phone.binding = sign_binding({phone.id(), other.public_key, phone.login.public_key, 77}, phone.enrolment,
                                 other.private_key, system_random());
    expect_error(world.enrol(phone), Errc::already_bound);
}

TEST_F(Server, an_unknown_and_an_expired_code_are_told_apart) {
    auto stranger = world.issue(officer());
    stranger.grant.enrolment_id = system_random().id<EnrolmentId>();
    expect_error(world.enrol(stranger), Errc::unknown_code);
    const auto late = world.issue(officer(), {}, -std::chrono::hours(1));
    expect_error(world.enrol(late), Errc::code_expired);
}

TEST_F(Server, a_login_with_another_key_is_refused) {
    auto phone = world.phone(officer());
    phone.login = generate_p256();
    expect_error(world.login(phone), Errc::login_refused);
}

TEST_F(Server, a_server_whose_key_is_not_pinned_is_refused_before_anything_is_said) {
    auto other_list = world.trust();
    World other;  // another force's roots
    other_list.roots = other.roots;
    Link link(world.io);
    EXPECT_TRUE(link.connect(world.port(), other_list).has_error());
}

TEST_F(Server, a_stranger_is_no_administrator) {
    const auto link = world.connect();
    EXPECT_TRUE(link->admin_login(system_random().secret<Ed25519Seed>()).has_error());
}

TEST_F(Server, an_envelope_reaches_a_connected_device_and_its_ack_reaches_the_sender) {
    const auto anna = world.phone(officer());
    const auto ben = world.phone(officer());
    auto sender = world.login(anna).value();
    auto receiver = world.login(ben).value();
    const auto id = system_random().id<EnvelopeId>();

    // The receiver must answer before the sender can be answered, so the request is sent without waiting.
    auto frame = frame_of(make_submit(id, Lane::normal, {ben.id()}, tomorrow()));
    frame.set_request(1000);
    sender->send(frame);
    const auto delivered = receiver->await(wire::Frame::kDeliver);
    ASSERT_TRUE(delivered.has_value());
    EXPECT_EQ(delivered->deliver().envelopes(0).envelope_id(), id.string());
    EXPECT_EQ(delivered->deliver().envelopes(0).body().sealed(), frame.submit().body().sealed());
    receiver->send(ack_of(delivered->deliver().envelopes(0)));
    const auto result = sender->await(wire::Frame::kSubmitResult);
    ASSERT_TRUE(result.has_value());
    ASSERT_EQ(result->submit_result().results_size(), 1);
    EXPECT_EQ(result->submit_result().results(0).code(), 0U);
}

TEST_F(Server, an_envelope_for_an_absent_device_survives_a_restart_and_is_drained_once) {
    const auto anna = world.phone(officer());
    const auto ben = world.phone(officer());
    const auto id = system_random().id<EnvelopeId>();
    {
        auto sender = world.login(anna).value();
        const auto result = sender->request(frame_of(make_submit(id, Lane::normal, {ben.id()}, tomorrow())));
        ASSERT_TRUE(result.has_value()) << result.error().message();
        ASSERT_EQ(result->submit_result().results_size(), 1);
        EXPECT_EQ(result->submit_result().results(0).code(), 0U);
    }
    world.stop();
    ASSERT_TRUE(world.start().has_value());
    {
        auto receiver = world.login(ben).value();
        const auto delivered = receiver->await(wire::Frame::kDeliver);
        ASSERT_TRUE(delivered.has_value());
        EXPECT_EQ(delivered->deliver().envelopes(0).envelope_id(), id.string());
        receiver->send(ack_of(delivered->deliver().envelopes(0)));
        // Acks carry no answer; a request after it tells that it was read.
        wire::Frame ask;
        ask.mutable_fetch_trust_list();
        EXPECT_TRUE(receiver->request(std::move(ask)).has_value());
    }
    world.stop();
    ASSERT_TRUE(world.start().has_value());
    auto receiver = world.login(ben).value();
    std::set<int> emptied;
    for (std::size_t lane = 0; lane < std::size(drain_order); ++lane) {
        const auto empty = receiver->await(wire::Frame::kMailboxEmpty);
        ASSERT_TRUE(empty.has_value());
        emptied.insert(empty->mailbox_empty().lane());
    }
    EXPECT_EQ(emptied.size(), std::size(drain_order));
}

TEST_F(Server, phones_that_an_import_suspends_are_cut_off_within_two_seconds) {
    std::vector<World::Phone> phones;
    std::vector<std::unique_ptr<Link>> links;
    for (int i = 0; i < 12; ++i) {
        phones.push_back(world.phone(system_random().id<OfficerId>()));
        links.push_back(world.login(phones.back()).value());
    }
    const auto admin = world.admin();
    wire::Frame part;
    part.mutable_stage_directory()->set_import_id(std::string(16, 'i'));
    for (std::size_t i = 0; i + 1 < phones.size(); ++i) {
        Order order;
        order.kind = OrderKind::suspend;
        order.target = phones[i].id();
        order.issued_at = system_clock().wall();
        order.reason = sha256(view("reason"));
        SignedBytes document{order.encode(), {}};
        sign(document, Context::order, world.chief);
        *part.mutable_stage_directory()->add_orders() = document.to_wire();
    }
    ASSERT_TRUE(admin->request(std::move(part)).value().has_done());
    wire::Frame commit;
    commit.mutable_commit_directory()->set_import_id(std::string(16, 'i'));
    commit.mutable_commit_directory()->set_parts(1);
    ASSERT_TRUE(admin->request(std::move(commit)).value().has_directory_committed());
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (std::size_t i = 0; i + 1 < phones.size(); ++i) {
        const auto left = limit - std::chrono::steady_clock::now();
        const auto end = links[i]->await_end(std::chrono::duration_cast<std::chrono::milliseconds>(left));
        ASSERT_TRUE(end.has_value()) << "phone " << i << " is still connected";
        EXPECT_EQ(*end, Errc::device_revoked);
    }
    EXPECT_FALSE(links.back()->await_end(std::chrono::milliseconds(1)).has_value()) << "whom nobody suspended";
}

TEST_F(Server, a_revoked_phone_is_cut_off_within_two_seconds_and_may_only_ask_why) {
    const auto phone = world.phone(officer());
    auto link = world.login(phone).value();
    ASSERT_TRUE(world.order(OrderKind::revoke, phone.id(), {&world.chief}).has_value());
    const auto end = link->await_end(limits::revocation_close);
    ASSERT_TRUE(end.has_value()) << "the connection is still open";
    EXPECT_EQ(end->code(), Errc::device_revoked);

    wire::Welcome welcome;
    auto restricted = world.login(phone, &welcome);
    ASSERT_TRUE(restricted.has_value()) << restricted.error().message();
    EXPECT_TRUE(welcome.restricted());
    wire::Frame ask;
    ask.mutable_fetch_log()->set_limit(10);
    const auto log = (*restricted)->request(std::move(ask));
    ASSERT_TRUE(log.has_value()) << log.error().message();
    EXPECT_EQ(log->log_page().entries_size(), 2) << "the trust list and the revocation";
    expect_error(
        (*restricted)
            ->request(frame_of(make_submit(system_random().id<EnvelopeId>(), Lane::normal, {phone.id()}, tomorrow()))),
        Errc::not_allowed);
}

TEST_F(Server, a_restored_phone_logs_in_again_but_only_two_keys_restore) {
    const auto phone = world.phone(officer());
    ASSERT_TRUE(world.order(OrderKind::revoke, phone.id(), {&world.chief}).has_value());
    expect_error(world.order(OrderKind::restore, phone.id(), {&world.chief}), Errc::needs_more_signatures);
    const auto restored = world.order(OrderKind::restore, phone.id(), {&world.chief, &world.deputy});
    ASSERT_TRUE(restored.has_value()) << restored.error().message();
    wire::Welcome welcome;
    ASSERT_TRUE(world.login(phone, &welcome).has_value());
    EXPECT_FALSE(welcome.restricted());
}

TEST_F(Server, a_replacing_phone_takes_the_place_of_the_former_one) {
    const auto who = officer();
    const auto former = world.phone(who);
    auto link = world.login(former).value();
    const auto next = world.issue(who, {former.id()});
    ASSERT_TRUE(world.enrol(next).has_value());
    const auto end = link->await_end(limits::revocation_close);
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->code(), Errc::device_replaced);

    const auto colleague = world.phone(officer());
    auto sender = world.login(colleague).value();
    const auto result = sender->request(
        frame_of(make_submit(system_random().id<EnvelopeId>(), Lane::normal, {former.id()}, tomorrow())));
    ASSERT_TRUE(result.has_value()) << result.error().message();
    ASSERT_EQ(result->submit_result().mismatched_size(), 1);
    ASSERT_EQ(result->submit_result().mismatched(0).devices_size(), 1);
    EXPECT_EQ(result->submit_result().mismatched(0).devices(0), next.id().string());
}

TEST_F(Server, a_second_server_on_the_same_store_is_told_so) {
    auto config = world.config();
    config.listen.front().port = 0;
    const auto second = apps::ServerProcess::start(config, {}, system_clock(), system_random(), server::Log::none());
    ASSERT_TRUE(second.has_error());
    EXPECT_EQ(second.error().code(), Errc::store_in_use);
}

TEST_F(Server, a_wrong_directory_key_stops_the_start) {
    static_cast<void>(world.phone(officer()));
    world.stop();
    std::filesystem::permissions(world.directory() / "keys/directory.key", std::filesystem::perms::owner_all);
    std::filesystem::remove(world.directory() / "keys/directory.key");
    expect_error(world.start(), Errc::wrong_directory_key);
    std::filesystem::copy_file(world.directory() / "keys/statement.key", world.directory() / "keys/directory.key");
    expect_error(world.start(), Errc::wrong_directory_key);
}

}  // namespace
}  // namespace melder::testing
