#include <set>

#include "keyserver/prekey_digest.hpp"
#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

TEST_F(PoliceForce, a_bundle_names_the_signed_prekey_and_one_that_is_never_given_again) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 100), Errc{});
    std::set<std::uint32_t> ids;
    for (int i = 0; i < 6; ++i) {
        const auto result = take(source, target);
        ASSERT_EQ(result.code(), 0u);
        EXPECT_EQ(result.bundle().signed_prekey().id(), 1u);
        EXPECT_TRUE(ids.insert(result.bundle().one_time().id()).second);
    }
}

TEST_F(PoliceForce, the_seventh_take_of_a_pair_waits_ten_minutes) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 100), Errc{});
    for (int i = 0; i < 6; ++i)
        ASSERT_EQ(take(source, target).code(), 0u);
    const auto refused = take(source, target);
    EXPECT_EQ(static_cast<Errc>(refused.code()), Errc::rate_limited);
    EXPECT_EQ(refused.retry_after_ms(), 600'000u);
    clock_.advance(std::chrono::minutes(10));
    EXPECT_EQ(take(source, target).code(), 0u);
}

TEST_F(PoliceForce, a_source_that_took_all_it_may_waits_and_the_limits_can_be_set) {
    take_limits_.source_burst = 2;
    start();
    const auto source = enrolled(meier_);
    const Phone targets[] = {enrolled(schulz_), enrolled(schulz_), enrolled(schulz_)};
    for (const auto& target : targets)
        ASSERT_EQ(upload(target, 1, 100), Errc{});
    EXPECT_EQ(take(source, targets[0]).code(), 0u);
    EXPECT_EQ(take(source, targets[1]).code(), 0u);
    const auto refused = take(source, targets[2]);
    EXPECT_EQ(static_cast<Errc>(refused.code()), Errc::rate_limited);
    EXPECT_EQ(refused.retry_after_ms(), 1000u);
    wire::PrekeyDigest digest = keyserver_->check_prekeys(peer_of(targets[2])).value();
    EXPECT_EQ(digest.one_time_count(), 100u) << "what is refused takes nothing";
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(take(source, targets[2]).code(), 0u);
}

TEST_F(PoliceForce, beyond_sixty_an_hour_a_target_gives_its_signed_prekey_alone_and_says_so) {
    const auto target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 200), Errc{});
    for (int i = 0; i < 60; ++i)
        ASSERT_TRUE(take(new_phone(meier_), target).bundle().has_one_time()) << i;
    const auto result = take(new_phone(meier_), target);
    EXPECT_EQ(result.code(), 0u);
    EXPECT_EQ(result.bundle().signed_prekey().id(), 1u);
    EXPECT_FALSE(result.bundle().has_one_time());
    EXPECT_TRUE(result.bundle().without_one_time());
    EXPECT_EQ(keyserver_->check_prekeys(peer_of(target))->one_time_count(), 140u);
    clock_.advance(std::chrono::hours(1));
    EXPECT_TRUE(take(new_phone(meier_), target).bundle().has_one_time());
}

TEST_F(PoliceForce, what_the_limits_count_is_in_memory_only) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 100), Errc{});
    for (int i = 0; i < 6; ++i)
        ASSERT_EQ(take(source, target).code(), 0u);
    const auto before = rows_;
    ASSERT_EQ(static_cast<Errc>(take(source, target).code()), Errc::rate_limited);
    EXPECT_EQ(rows_, before);
    start();
    EXPECT_EQ(take(source, target).code(), 0u);
}

TEST_F(PoliceForce, keys_of_an_older_epoch_are_never_handed_out) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 100), Errc{});
    stop();
    epoch_ = random_.id<StoreEpoch>();
    start(true);
    EXPECT_EQ(static_cast<Errc>(take(source, target).code()), Errc::no_prekeys);
    const auto digest = keyserver_->check_prekeys(peer_of(target)).value();
    EXPECT_EQ(digest.one_time_count(), 0u);
    EXPECT_EQ(digest.signed_prekey_id(), 0u) << "so that the client sees that it has to upload anew";
    ASSERT_EQ(upload(target, 101, 100, 2), Errc{});
    EXPECT_GT(take(source, target).bundle().one_time().id(), 100u);
}

TEST_F(PoliceForce, a_low_stock_is_no_reason_to_refuse_but_is_flagged) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 20), Errc{});
    EXPECT_TRUE(take(source, target).bundle().has_one_time());
    const auto result = take(source, target);
    EXPECT_EQ(result.code(), 0u);
    EXPECT_FALSE(result.bundle().has_one_time());
    EXPECT_TRUE(result.bundle().without_one_time());
}

TEST_F(PoliceForce, a_target_is_told_when_its_stock_falls_below_a_hundred) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 101), Errc{});
    std::vector<std::uint32_t> told;
    keyserver_->on_prekeys_low = [&](const EnrolmentId& device, std::uint32_t count) {
        EXPECT_EQ(device, target.id);
        told.push_back(count);
    };
    (void)take(source, target);
    EXPECT_TRUE(told.empty());
    (void)take(source, target);
    EXPECT_EQ(told, std::vector<std::uint32_t>{99});
}

TEST_F(PoliceForce, five_hundred_devices_are_answered_in_pages_of_a_hundred_and_more_are_refused) {
    const auto source = enrolled(meier_);
    wire::TakeBundles request;
    for (int i = 0; i < 500; ++i)
        request.add_devices(random_.id<EnrolmentId>().string());
    const auto pages = keyserver_->take_bundles(peer_of(source), request).value();
    ASSERT_EQ(pages.size(), 5u);
    EXPECT_EQ(pages[0].results_size(), 100);
    EXPECT_TRUE(pages[3].more());
    EXPECT_FALSE(pages[4].more());
    EXPECT_EQ(static_cast<Errc>(pages[4].results(99).code()), Errc::unknown_device);
    request.add_devices(source.id.string());
    EXPECT_EQ(keyserver_->take_bundles(peer_of(source), request).error().code(), Errc::too_large);
}

TEST_F(PoliceForce, a_signed_prekey_by_another_identity_is_refused) {
    auto phone = enrolled(meier_);
    phone.identity = generate_x25519(random_);
    EXPECT_EQ(upload(phone, 1, 1), Errc::bad_signature);
}

TEST_F(PoliceForce, malformed_and_low_order_prekeys_are_refused) {
    const auto phone = enrolled(meier_);
    const std::string zero = std::string(1, '\5') + std::string(32, '\0');
    for (const std::string& key : {zero, std::string(32, 'k'), std::string(33, 'k')}) {
        wire::UploadPrekeys request;
        auto& one = *request.mutable_upload()->add_one_time();
        one.set_id(1);
        one.set_public_key(key);
        EXPECT_EQ(keyserver_->upload_prekeys(peer_of(phone), request).error().code(), Errc::bad_key);
    }
    EXPECT_EQ(upload(phone, 1, 201), Errc::too_large);
}

TEST_F(PoliceForce, the_digest_is_that_of_the_protocol_text) {
    const auto phone = enrolled(meier_);
    ASSERT_EQ(upload(phone, 5, 2, 9), Errc{});
    const auto digest = keyserver_->check_prekeys(peer_of(phone)).value();
    EXPECT_EQ(digest.signed_prekey_id(), 9u);
    EXPECT_EQ(digest.one_time_count(), 2u);
    std::vector<server::StoredPrekey> held;
    for (const auto& [key, value] : rows_) {
        if (key[0] != server::directory_rows::one_time_prefix) continue;
        held.push_back({static_cast<std::uint32_t>(key.back()), to_array<33>(view(value)).value()});
    }
    ASSERT_EQ(held.size(), 2u);
    EXPECT_EQ(digest.sha256(), prekey_digest(held).string());
    held[1].public_key[5] ^= 1;
    EXPECT_NE(digest.sha256(), prekey_digest(held).string()) << "another key under a known id is noticed";
    server::StoredPrekey a, b;
    a.id = 1;
    b.id = 2;
    Bytes expected = {0, 0, 0, 1};
    expected.resize(37);
    expected.insert(expected.end(), {0, 0, 0, 2});
    expected.resize(74);
    EXPECT_EQ(prekey_digest(std::vector{a, b}), sha256(BytesView(expected)));
}

TEST_F(PoliceForce, a_look_up_gives_whole_credentials_of_active_devices_of_the_own_app) {
    const auto asking = enrolled(meier_), active = enrolled(schulz_), revoked = enrolled(schulz_);
    const auto other = new_phone(schulz_);
    auto grant = grant_for(other);
    grant.app = "radio";
    ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
    ASSERT_TRUE(keyserver_->enrol(enrol_body(other)).has_value());
    ASSERT_EQ(put_orders({order(OrderKind::revoke, revoked.id, {&chief_})}), Errc{});
    wire::LookUp by_number, by_device;
    by_number.set_service_number(grant.service_number);
    by_device.set_enrolment_id(revoked.id.string());
    for (const auto& request : {by_number, by_device}) {
        const auto reply = keyserver_->look_up(peer_of(asking), request).value();
        ASSERT_EQ(reply.credentials_size(), 1);
        EXPECT_EQ(Credential::verify(reply.credentials(0), *keyserver_->trust())->device(), active.id);
    }
    wire::LookUp nobody;
    nobody.set_service_number("0");
    EXPECT_EQ(keyserver_->look_up(peer_of(asking), nobody).error().code(), Errc::not_found);
}

}  // namespace
}  // namespace melder::keyserver::testing
