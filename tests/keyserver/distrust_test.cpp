// What a key signed that is distrusted later, as the store has it.

#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

class DistrustedKey : public PoliceForce {
protected:
    /// Version 1 signed by the deputy.
    [[nodiscard]] Phone enrolled_by_deputy() {
        auto phone = new_phone(meier_);
        EXPECT_EQ(put_grant(signed_grant(grant_for(phone), {&deputy_})), Errc{});
        EXPECT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
        return phone;
    }
    [[nodiscard]] Errc supersede(const Phone& phone, std::uint32_t version, std::string_view unit) {
        auto grant = grant_for(phone);
        grant.version = version;
        grant.unit = UnitPath::parse(unit).value();
        return put_orders({order(OrderKind::supersede, phone.id, {&chief_}, signed_grant(grant, {&chief_}).encode())});
    }
    void use_list(std::uint64_t version, KeyState chief) {
        list_ = sign_list(version, chief);
        const auto taken = keyserver_->put_trust_list(list_);
        ASSERT_TRUE(taken.has_value()) << taken.error();
    }
    [[nodiscard]] Result<Credential> credential_of(const Phone& phone) const {
        return Credential::verify(keyserver_->fetch_own_grant(peer_of(phone)).value().credential(),
                                  *keyserver_->trust());
    }
    [[nodiscard]] server::Peer::Kind kind_of(const Phone& phone) const {
        wire::LoginBody body;
        body.set_enrolment_id(phone.id.string());
        body.set_version(1);
        return authority_->find_device(view(body.SerializeAsString()))->peer.kind;
    }
    [[nodiscard]] bool is_recipient(const Phone& phone) const {
        const auto devices = view_->active_devices(meier_, default_app, clock_.wall());
        return std::ranges::find(devices, phone.id) != devices.end();
    }
};

TEST_F(DistrustedKey, a_superseding_grant_gives_way_to_the_one_before_and_comes_back_with_the_key) {
    const auto phone = enrolled_by_deputy();
    ASSERT_EQ(supersede(phone, 2, "PP/Mitte"), Errc{});
    ASSERT_EQ(supersede(phone, 3, "PP/Nord"), Errc{});
    EXPECT_EQ(view_->find(phone.id)->grant_version, 3u);
    use_list(2, KeyState::distrusted);
    EXPECT_EQ(view_->find(phone.id)->grant_version, 1u);
    EXPECT_EQ(credential_of(phone)->grant().unit, UnitPath::parse("LKA/K5").value());
    EXPECT_TRUE(is_recipient(phone));
    start();
    EXPECT_EQ(view_->find(phone.id)->grant_version, 1u);
    use_list(3, KeyState::active);
    EXPECT_EQ(view_->find(phone.id)->grant_version, 3u);
    EXPECT_EQ(credential_of(phone)->grant().unit, UnitPath::parse("PP/Nord").value());
}

TEST_F(DistrustedKey, a_grant_whose_order_no_longer_counts_gives_way_although_another_key_signed_the_grant_itself) {
    const auto phone = enrolled_by_deputy();
    auto grant = grant_for(phone);
    grant.version = 2;
    grant.not_after = grant.not_after - std::chrono::hours(24);
    const auto document = signed_grant(grant, {&deputy_});
    ASSERT_EQ(put_orders({order(OrderKind::supersede, phone.id, {&chief_}, document.encode())}), Errc{});
    ASSERT_EQ(view_->find(phone.id)->grant_version, 2u);
    use_list(2, KeyState::distrusted);
    EXPECT_EQ(view_->find(phone.id)->grant_version, 1u);
    EXPECT_EQ(view_->find(phone.id)->not_after, grant_for(phone).not_after);
}

TEST_F(DistrustedKey, a_renewal_by_another_key_stays_in_force) {
    const auto phone = enrolled_by_deputy();
    ASSERT_EQ(supersede(phone, 2, "PP/Mitte"), Errc{});
    auto grant = grant_for(phone);
    grant.version = 3;
    grant.unit = UnitPath::parse("PP/Mitte").value();
    grant.not_after = grant.not_after + std::chrono::hours(24);
    ASSERT_EQ(put_grant(signed_grant(grant, {&deputy_})), Errc{});
    use_list(2, KeyState::distrusted);
    EXPECT_EQ(view_->find(phone.id)->grant_version, 3u);
    EXPECT_TRUE(credential_of(phone).has_value());
}

TEST_F(DistrustedKey, a_device_whose_only_grant_it_signed_is_restricted_and_no_recipient_until_it_gets_another) {
    const auto phone = enrolled(meier_), other = enrolled_by_deputy();
    use_list(2, KeyState::distrusted);
    EXPECT_EQ(kind_of(phone), server::Peer::Kind::restricted);
    EXPECT_FALSE(is_recipient(phone));
    EXPECT_EQ(kind_of(other), server::Peer::Kind::device);
    EXPECT_EQ(static_cast<Errc>(take(other, phone).code()), Errc::credential_expired);

    const auto started = try_start();
    ASSERT_TRUE(started.has_value()) << "the store's own grants do not stop a start: " << started.error();
    EXPECT_EQ(kind_of(phone), server::Peer::Kind::restricted);
    auto grant = grant_for(phone);
    grant.version = 2;
    ASSERT_EQ(put_grant(signed_grant(grant, {&deputy_})), Errc{});
    EXPECT_EQ(kind_of(phone), server::Peer::Kind::device);
    EXPECT_TRUE(is_recipient(phone));
}

TEST_F(DistrustedKey, a_restored_store_starts_under_a_list_that_distrusts_who_signed_what_is_replayed) {
    const auto phone = enrolled_by_deputy();
    const auto backup = rows_;
    ASSERT_EQ(supersede(phone, 2, "PP/Mitte"), Errc{});
    const auto successor = new_phone(meier_);
    auto grant = grant_for(successor);
    grant.replaces = {phone.id};
    ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
    ASSERT_TRUE(keyserver_->enrol(enrol_body(successor)).has_value());
    stop();
    rows_ = backup;
    list_ = sign_list(2, KeyState::distrusted);
    const auto started = try_start(true);
    ASSERT_TRUE(started.has_value()) << started.error();
    EXPECT_EQ(view_->find(phone.id)->grant_version, 1u);
    EXPECT_EQ(view_->find(phone.id)->standing, DeviceStanding::active);
    EXPECT_EQ(view_->find(successor.id), nullptr);
}

}  // namespace
}  // namespace melder::keyserver::testing
