#include "core/limits.hpp"
#include "keyserver/requests.hpp"
#include "server/link/access.hpp"
#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

TEST_F(PoliceForce, a_code_becomes_a_certified_device_that_may_log_in) {
    const auto phone = enrolled(meier_);
    wire::LoginBody body;
    body.set_enrolment_id(phone.id.string());
    body.set_version(1);
    const auto login = authority_->find_device(view(body.SerializeAsString()));
    ASSERT_TRUE(login.has_value());
    EXPECT_EQ(login->peer.kind, server::Peer::Kind::device);
    EXPECT_EQ(login->login_key, phone.login.public_key);
    const auto credential =
        Credential::verify(keyserver_->fetch_own_grant(peer_of(phone))->credential(), *keyserver_->trust());
    ASSERT_TRUE(credential.has_value());
    EXPECT_EQ(credential->bound_at(), UnixTime::from_seconds(clock_.wall().seconds()));
}

TEST_F(PoliceForce, an_unknown_code_is_refused) {
    EXPECT_EQ(keyserver_->enrol(enrol_body(new_phone(meier_))).error().code(), Errc::unknown_code);
}

TEST_F(PoliceForce, a_code_is_refused_once_its_time_is_over) {
    const auto phone = new_phone(meier_);
    ASSERT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
    clock_.advance(std::chrono::hours(25));
    EXPECT_EQ(keyserver_->enrol(enrol_body(phone)).error().code(), Errc::code_expired);
}

TEST_F(PoliceForce, the_same_binding_again_gets_the_same_answer) {
    const auto phone = new_phone(meier_);
    ASSERT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
    const auto body = enrol_body(phone);
    const auto first = keyserver_->enrol(body);
    clock_.advance(std::chrono::hours(48));  // the reply was lost, the code is over: it is bound all the same
    const auto second = keyserver_->enrol(body);
    ASSERT_TRUE(first.has_value() && second.has_value());
    EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
}

TEST_F(PoliceForce, the_first_binding_wins_and_other_keys_are_refused) {
    auto phone = enrolled(meier_);
    const auto winner = phone.login.public_key;
    phone.identity = generate_x25519(random_);
    phone.login = generate_p256();
    EXPECT_EQ(keyserver_->enrol(enrol_body(phone)).error().code(), Errc::already_bound);
    EXPECT_EQ(view_->find(phone.id)->login_key, winner);
}

TEST_F(PoliceForce, the_code_of_a_revoked_device_is_used_up) {
    auto phone = enrolled(meier_);
    ASSERT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc{});
    EXPECT_EQ(keyserver_->enrol(enrol_body(phone)).error().code(), Errc::code_used);
}

TEST_F(PoliceForce, a_binding_by_another_enrolment_key_is_refused) {
    auto phone = new_phone(meier_);
    ASSERT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
    phone.enrolment_seed = random_.secret<Ed25519Seed>();
    EXPECT_TRUE(keyserver_->enrol(enrol_body(phone)).has_error());
    EXPECT_FALSE(view_->find(phone.id)->bound);
}

TEST_F(PoliceForce, a_replacing_device_enters_the_log_and_ends_the_former_one) {
    const auto old = enrolled(meier_);
    ASSERT_EQ(upload(old, 1, 5), Errc{});
    std::vector<EnrolmentId> ended;
    view_->subscribe([&](const server::DeviceChange& change) { ended.push_back(change.device); });
    const auto phone = new_phone(meier_);
    auto grant = grant_for(phone);
    grant.replaces = {old.id};
    ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
    EXPECT_EQ(view_->find(old.id)->standing, DeviceStanding::active);  // only the binding ends it
    const auto before = log_size();
    ASSERT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
    EXPECT_EQ(log_size(), before + 1);
    EXPECT_EQ(ended, std::vector{old.id});
    EXPECT_EQ(view_->find(old.id)->standing, DeviceStanding::replaced);
    EXPECT_EQ(view_->active_devices(meier_, default_app, clock_.wall()), std::vector{phone.id});
    EXPECT_EQ(static_cast<Errc>(take(phone, old).code()), Errc::device_replaced);
}

TEST_F(PoliceForce, a_grant_that_replaces_needs_a_key_that_may_revoke) {
    const auto old = enrolled(meier_);
    const auto phone = new_phone(meier_);
    auto grant = grant_for(phone);
    grant.replaces = {old.id};
    EXPECT_NE(put_grant(signed_grant(grant, {&clerk_})), Errc{});
    EXPECT_EQ(view_->find(phone.id), nullptr);
}

TEST_F(PoliceForce, nobody_replaces_another_officers_device) {
    const auto other = enrolled(schulz_);
    auto grant = grant_for(new_phone(meier_));
    grant.replaces = {other.id};
    EXPECT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc::credential_invalid);
}

TEST_F(PoliceForce, grants_are_stored_all_or_none) {
    const auto good = new_phone(meier_), bad = new_phone(schulz_);
    auto forged = signed_grant(grant_for(bad), {&chief_});
    forged.signatures[0].signature[3] ^= 1;
    wire::PutGrants request;
    *request.add_grants() = signed_grant(grant_for(good), {&chief_}).to_wire();
    *request.add_grants() = forged.to_wire();
    const auto reply = keyserver_->put_grants(admin(chief_), request);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->results(0).code(), 0u);
    EXPECT_NE(reply->results(1).code(), 0u);
    EXPECT_EQ(view_->find(good.id), nullptr);
}

TEST_F(PoliceForce, above_fifty_grants_an_hour_a_second_key_must_sign) {
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(put_grant(signed_grant(grant_for(new_phone(meier_)), {&chief_})), Errc{});
    const auto grant = grant_for(new_phone(meier_));
    EXPECT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc::needs_more_signatures);
    EXPECT_EQ(put_grant(signed_grant(grant, {&chief_, &deputy_})), Errc{});
    clock_.advance(std::chrono::minutes(61));
    EXPECT_EQ(put_grant(signed_grant(grant_for(new_phone(meier_)), {&chief_})), Errc{});
}

TEST_F(PoliceForce, a_restart_does_not_give_a_key_another_fifty_grants) {
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(put_grant(signed_grant(grant_for(new_phone(meier_)), {&chief_})), Errc{});
    start();
    EXPECT_EQ(put_grant(signed_grant(grant_for(new_phone(meier_)), {&chief_})), Errc::needs_more_signatures);
    EXPECT_EQ(put_grant(signed_grant(grant_for(new_phone(meier_)), {&deputy_})), Errc{}) << "a key of its own";
    clock_.advance(std::chrono::minutes(61));
    EXPECT_EQ(put_grant(signed_grant(grant_for(new_phone(meier_)), {&chief_})), Errc{});
}

TEST_F(PoliceForce, a_version_that_takes_something_away_belongs_into_the_log) {
    const auto phone = enrolled(meier_);
    auto grant = grant_for(phone);
    grant.version = 2;
    grant.unit = UnitPath::parse("LKA/K6").value();
    const auto document = signed_grant(grant, {&chief_});
    EXPECT_EQ(put_grant(document), Errc::bad_argument);
    EXPECT_EQ(put_orders({order(OrderKind::supersede, phone.id, {&chief_}, document.encode())}), Errc{});
    EXPECT_EQ(view_->find(phone.id)->grant_version, 2u);
    EXPECT_TRUE(view_->find(phone.id)->active_at(clock_.wall()));
}

TEST_F(PoliceForce, whoever_may_sign_the_next_version_of_a_grant_gets_the_newest_one) {
    auto phone = new_phone(meier_);
    auto grant = grant_for(phone);
    ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
    grant.version = 2;
    grant.not_after = grant.not_after + std::chrono::hours(24);
    const auto renewed = signed_grant(grant, {&chief_});
    ASSERT_EQ(put_grant(renewed), Errc{});

    wire::Frame request;
    request.set_request(7);
    request.mutable_fetch_grant()->set_enrolment_id(phone.id.string());
    ASSERT_TRUE(KeyserverCore::serves(request.body_case()));
    ASSERT_FALSE(is_write(request.body_case()));
    EXPECT_TRUE(server::may_send(server::Peer::Kind::admin, request.body_case()));
    EXPECT_FALSE(server::may_send(server::Peer::Kind::device, request.body_case()));
    auto peer = admin(clerk_);
    const auto ask = [&] { return answer(*keyserver_, peer, request).at(0); };
    for (const auto right : {Right::enrol, Right::directory, Right::leaders}) {
        peer.rights = {right};
        const auto reply = ask();
        EXPECT_EQ(reply.request(), 7u);
        EXPECT_EQ(reply.grant().grant().SerializeAsString(), renewed.to_wire().SerializeAsString());
    }
    for (const auto right : {Right::revoke, Right::wipe, Right::helpdesk}) {
        peer.rights = {right};
        EXPECT_EQ(static_cast<Errc>(ask().error().code()), Errc::missing_right);
    }
    peer.rights = {Right::enrol};
    request.mutable_fetch_grant()->set_enrolment_id(random_.id<EnrolmentId>().string());
    EXPECT_EQ(static_cast<Errc>(ask().error().code()), Errc::unknown_device);
    request.mutable_fetch_grant()->set_enrolment_id("short");
    EXPECT_EQ(static_cast<Errc>(ask().error().code()), Errc::malformed);
}

TEST_F(PoliceForce, a_code_may_not_outlive_what_the_trust_list_allows) {
    auto grant = grant_for(new_phone(meier_));
    grant.bind_before = clock_.wall() + std::chrono::hours(24 * 31);
    EXPECT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc::bad_argument);
}

TEST_F(PoliceForce, an_expired_trust_list_admits_nobody_new_but_still_revokes) {
    const auto phone = enrolled(meier_);
    clock_.advance(std::chrono::hours(24 * 301));
    EXPECT_EQ(put_grant(signed_grant(grant_for(new_phone(meier_)), {&chief_})), Errc::trust_list_expired);
    EXPECT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc::trust_list_expired);
    EXPECT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc{});
}

TEST_F(PoliceForce, more_enrolments_than_the_store_can_answer_in_time_are_told_busy_and_when_to_come_again) {
    std::vector<std::function<void()>> held;
    lanes_.writes = [&](std::function<void()> work) { held.push_back(std::move(work)); };
    std::vector<Errc> told;
    std::uint32_t retry_after_ms = 0;
    const auto come = [&] {
        authority_->enrol(Bytes{0xff}, [&](const Result<std::string>& answer) {
            told.push_back(answer.error().code());
            retry_after_ms = answer.error().retry_after_ms();
        });
    };
    for (std::size_t i = 0; i < limits::enrolments_waiting; ++i)
        come();
    EXPECT_TRUE(told.empty());
    come();
    EXPECT_EQ(told, std::vector{Errc::busy});
    EXPECT_EQ(retry_after_ms, 5000u);
    std::exchange(held[0], {})();
    EXPECT_EQ(told.back(), Errc::malformed) << "it had its turn";
    come();
    EXPECT_EQ(told.size(), 2u) << "and left its place to another";
    come();
    EXPECT_EQ(told.back(), Errc::busy);
}

TEST_F(PoliceForce, a_view_older_than_ten_seconds_lets_nobody_in) {
    const auto phone = enrolled(meier_);
    wire::LoginBody body;
    body.set_enrolment_id(phone.id.string());
    body.set_version(1);
    const auto bytes = body.SerializeAsString();
    clock_.advance(std::chrono::seconds(11));
    EXPECT_EQ(authority_->find_device(view(bytes)).error().code(), Errc::busy);
    keyserver_->tick();
    EXPECT_TRUE(authority_->find_device(view(bytes)).has_value());
}

}  // namespace
}  // namespace melder::keyserver::testing
