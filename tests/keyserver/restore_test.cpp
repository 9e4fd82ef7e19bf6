// A store that was put back from a backup.

#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

class RestoredForce : public PoliceForce {
protected:
    /// As a start with --restored gives the store a new epoch.
    void declare() {
        stop();
        epoch_ = later(epoch_);
        clock_.advance(std::chrono::seconds(2));
        start(true);
    }
    static StoreEpoch later(const StoreEpoch& epoch) {
        ByteArray<StoreEpoch::size_bytes> bytes{};
        std::ranges::copy(epoch.view(), bytes.begin());
        bytes[0] = 0;
        std::ranges::copy(big_endian(number_of(epoch) + 1), bytes.begin());
        return StoreEpoch(bytes);
    }
    /// Everything of this machine is put back, the order log's second place too.
    void roll_back(const server::MemoryRows& backup, std::uintmax_t copy_bytes) {
        stop();
        rows_ = backup;
        std::filesystem::resize_file(copy_file_, copy_bytes);
    }
    [[nodiscard]] wire::LoginBody body_of(const Phone& phone) const {
        wire::LoginBody body;
        body.set_enrolment_id(phone.id.string());
        body.set_version(1);
        return body;
    }
    [[nodiscard]] Statement present_statement() const {
        return Statement::parse(keyserver_->newest_statement().body).value();
    }
    void log_in_with(const Phone& phone, const SignedBytes& statement) {
        auto body = body_of(phone);
        *body.mutable_statement() = statement.to_wire();
        authority_->on_device_proved(view(body.SerializeAsString()));
    }
    [[nodiscard]] wire::Credential credential_of(const Phone& phone) const {
        return keyserver_->fetch_own_grant(peer_of(phone)).value().credential();
    }
    /// A login that shows the credential, through the authority's two steps.
    [[nodiscard]] Result<server::LoginAuthority::DeviceLogin> present(const Phone& phone,
                                                                      const wire::Credential& credential) {
        auto body = body_of(phone);
        *body.mutable_credential() = credential;
        const auto bytes = body.SerializeAsString();
        auto found = authority_->find_device(view(bytes));
        if (found.has_error() || !found->unknown) return found;
        std::optional<Result<void>> admitted;
        authority_->admit(to_bytes(view(bytes)), [&](Result<void> outcome) { admitted = std::move(outcome); });
        if (admitted->has_error()) return admitted->error();
        return found;
    }
    [[nodiscard]] bool welcome_says_restored() const {
        wire::Welcome welcome;
        authority_->fill_welcome({}, welcome);
        EXPECT_EQ(keyserver_->status().value().restored(), welcome.restored());
        return welcome.restored();
    }
};

TEST_F(RestoredForce, who_proves_a_later_epoch_ends_the_handing_out_of_prekeys_until_the_restore_is_declared) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    ASSERT_EQ(upload(target, 1, 50), Errc{});
    auto statement = present_statement();
    statement.store_epoch = later(epoch_);
    const auto proof = sign_statement(statement, statement_);
    log_in_with(source, proof);
    const auto refused = take(source, target);
    EXPECT_EQ(static_cast<Errc>(refused.code()), Errc::server_restored);
    EXPECT_EQ(refused.retry_after_ms(), 600'000u);
    EXPECT_FALSE(refused.has_bundle());
    EXPECT_TRUE(welcome_says_restored());

    start();
    EXPECT_TRUE(keyserver_->restored()) << "a restart deals with nothing";
    EXPECT_EQ(static_cast<Errc>(take(source, target).code()), Errc::server_restored);

    declare();
    declare();  // above what was proven
    EXPECT_TRUE(keyserver_->restored()) << "declared, and phones have yet to bring what they hold";
    log_in_with(source, proof);
    EXPECT_EQ(static_cast<Errc>(take(source, target).code()), Errc::no_prekeys) << "none of a former epoch";
    ASSERT_EQ(upload(target, 101, 50, 2), Errc{});
    EXPECT_EQ(take(source, target).code(), 0u);
    start();
    EXPECT_FALSE(keyserver_->restored());
}

TEST_F(RestoredForce, who_proves_an_entry_of_the_log_that_is_gone_does_the_same) {
    const auto source = enrolled(meier_), target = enrolled(schulz_);
    const auto backup = rows_;
    const auto copied = std::filesystem::file_size(copy_file_);
    ASSERT_EQ(put_orders({order(OrderKind::suspend, target.id, {&chief_})}), Errc{});
    const auto proof = keyserver_->newest_statement();
    roll_back(backup, copied);
    start();
    ASSERT_TRUE(keyserver_->hands_out_prekeys());
    log_in_with(source, proof);
    EXPECT_FALSE(keyserver_->hands_out_prekeys());

    declare();
    log_in_with(source, proof);
    EXPECT_TRUE(keyserver_->hands_out_prekeys()) << "the operator knew when he declared it";
}

TEST_F(RestoredForce, a_loss_that_shows_only_after_the_declaration_takes_a_second_one) {
    const auto source = enrolled(meier_);
    const auto backup = rows_;
    const auto copied = std::filesystem::file_size(copy_file_);
    ASSERT_EQ(put_orders({order(OrderKind::suspend, source.id, {&chief_})}), Errc{});
    const auto proof = keyserver_->newest_statement();
    roll_back(backup, copied);
    declare();
    ASSERT_TRUE(keyserver_->hands_out_prekeys());
    log_in_with(source, proof);
    EXPECT_FALSE(keyserver_->hands_out_prekeys());
    declare();
    log_in_with(source, proof);
    EXPECT_TRUE(keyserver_->hands_out_prekeys());
}

TEST_F(RestoredForce, what_nobody_of_ours_signed_proves_nothing) {
    const auto source = enrolled(meier_);
    auto statement = present_statement();
    statement.store_epoch = later(epoch_);
    log_in_with(source, sign_statement(statement, chief_));
    auto forged = sign_statement(statement, statement_);
    forged.signatures[0].signature[3] ^= 1;
    log_in_with(source, forged);
    auto bare = body_of(source);
    bare.set_store_epoch(later(epoch_).string());
    bare.set_log_size(1000);
    bare.set_log_head(std::string(32, 'h'));
    authority_->on_device_proved(view(bare.SerializeAsString()));
    log_in_with(source, keyserver_->newest_statement());
    EXPECT_TRUE(keyserver_->hands_out_prekeys());
    EXPECT_FALSE(welcome_says_restored());
}

TEST_F(RestoredForce, a_device_that_the_store_lost_is_entered_by_its_credential) {
    const auto backup = rows_;
    const auto phone = enrolled(meier_);
    const auto credential = credential_of(phone);
    stop();
    rows_ = backup;
    declare();
    EXPECT_EQ(authority_->find_device(view(body_of(phone).SerializeAsString())).error().code(), Errc::unknown_device);
    const auto login = present(phone, credential);
    ASSERT_TRUE(login.has_value()) << login.error();
    EXPECT_EQ(login->peer.kind, server::Peer::Kind::device);
    EXPECT_EQ(login->login_key, phone.login.public_key);
    const auto again = authority_->find_device(view(body_of(phone).SerializeAsString()));
    ASSERT_TRUE(again.has_value());
    EXPECT_FALSE(again->unknown);
    EXPECT_EQ(again->login_key, phone.login.public_key);
    EXPECT_TRUE(keyserver_->hands_out_prekeys()) << "bound before the declaration: nothing new is proven";
    EXPECT_EQ(upload(phone, 1, 3), Errc{});
    wire::LookUp by_number;
    by_number.set_service_number(grant_for(phone).service_number);
    EXPECT_EQ(keyserver_->look_up(peer_of(phone), by_number)->credentials_size(), 1);
    EXPECT_EQ(credential_of(phone).SerializeAsString(), credential.SerializeAsString());
}

TEST_F(RestoredForce, a_binding_that_a_backup_forgot_comes_back_into_the_row_of_its_grant) {
    const auto phone = new_phone(meier_);
    ASSERT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
    const auto backup = rows_;
    ASSERT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
    const auto credential = credential_of(phone);
    stop();
    rows_ = backup;
    declare();
    ASSERT_TRUE(present(phone, credential).has_value());
    EXPECT_TRUE(view_->find(phone.id)->bound);
    EXPECT_EQ(static_cast<Errc>(keyserver_->enrol(enrol_body(new_phone(meier_))).error().code()), Errc::unknown_code);
}

TEST_F(RestoredForce, an_unknown_device_bound_in_this_very_life_proves_that_the_store_went_back) {
    const auto source = enrolled(schulz_);
    const auto backup = rows_;
    const auto phone = enrolled(meier_);
    const auto credential = credential_of(phone);
    stop();
    rows_ = backup;
    start();
    ASSERT_TRUE(present(phone, credential).has_value());
    EXPECT_FALSE(keyserver_->hands_out_prekeys());
    start();
    EXPECT_FALSE(keyserver_->hands_out_prekeys());
    EXPECT_EQ(static_cast<Errc>(take(source, phone).code()), Errc::server_restored);
}

TEST_F(RestoredForce, a_credential_that_does_not_convince_enters_nobody) {
    const auto phone = enrolled(meier_), other = enrolled(schulz_);
    const auto credential = credential_of(phone);
    const auto unknown = new_phone(meier_);
    EXPECT_EQ(present(unknown, credential).error().code(), Errc::credential_invalid) << "another device's";
    auto forged = credential;
    forged.mutable_binding()->mutable_identity_signature()->at(5) ^= 1;
    stop();
    rows_.clear();
    std::filesystem::resize_file(copy_file_, 0);
    declare();
    EXPECT_TRUE(present(phone, forged).has_error());
    EXPECT_EQ(view_->find(phone.id), nullptr);
}

TEST_F(RestoredForce, a_second_binding_is_refused_also_when_it_is_shown_as_a_credential) {
    auto phone = new_phone(meier_);
    ASSERT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
    const auto backup = rows_;
    ASSERT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
    const auto first = credential_of(phone);
    stop();
    rows_ = backup;
    declare();
    phone.identity = generate_x25519(random_);
    ASSERT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
    EXPECT_EQ(keyserver_->admit(first).error().code(), Errc::already_bound);
}

TEST_F(RestoredForce, a_revocation_in_the_second_place_holds_for_a_device_that_the_store_lost) {
    const auto source = enrolled(schulz_);
    const auto backup = rows_;
    const auto revoked = enrolled(meier_), suspended = enrolled(meier_);
    const auto first = credential_of(revoked), second = credential_of(suspended);
    ASSERT_EQ(put_orders({order(OrderKind::revoke, revoked.id, {&chief_}),
                          order(OrderKind::suspend, suspended.id, {&chief_})}),
              Errc{});
    stop();
    rows_ = backup;
    declare();
    for (const auto& [phone, credential] : {std::pair(&revoked, &first), std::pair(&suspended, &second)}) {
        const auto login = present(*phone, *credential);
        ASSERT_TRUE(login.has_value()) << login.error();
        EXPECT_EQ(login->peer.kind, server::Peer::Kind::restricted);
        EXPECT_EQ(authority_->find_device(view(body_of(*phone).SerializeAsString()))->peer.kind,
                  server::Peer::Kind::restricted);
        EXPECT_EQ(static_cast<Errc>(take(source, *phone).code()), Errc::device_revoked);
    }
    EXPECT_EQ(view_->find(revoked.id)->standing, DeviceStanding::revoked);
    EXPECT_EQ(view_->find(suspended.id)->standing, DeviceStanding::suspended);
}

TEST_F(RestoredForce, a_replacing_entry_in_the_second_place_brings_its_device_back) {
    const auto former = enrolled(meier_);
    const auto backup = rows_;
    const auto successor = new_phone(meier_), third = new_phone(meier_);
    auto grant = grant_for(successor);
    grant.replaces = {former.id};
    ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
    ASSERT_TRUE(keyserver_->enrol(enrol_body(successor)).has_value());
    const auto credential = credential_of(successor);
    grant = grant_for(third);
    grant.replaces = {successor.id};
    ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
    ASSERT_TRUE(keyserver_->enrol(enrol_body(third)).has_value());
    stop();
    rows_ = backup;
    declare();
    EXPECT_EQ(view_->find(former.id)->standing, DeviceStanding::replaced);
    ASSERT_NE(view_->find(successor.id), nullptr);
    EXPECT_EQ(view_->find(successor.id)->standing, DeviceStanding::replaced);
    EXPECT_EQ(view_->find(successor.id)->login_key, successor.login.public_key);
    EXPECT_EQ(credential_of(successor).SerializeAsString(), credential.SerializeAsString());
    EXPECT_EQ(view_->active_devices(meier_, default_app, clock_.wall()), std::vector{third.id});
}

TEST_F(RestoredForce, a_replacing_device_whose_entry_is_lost_puts_it_into_the_log_again) {
    const auto former = enrolled(meier_);
    const auto backup = rows_;
    const auto copied = std::filesystem::file_size(copy_file_);
    const auto successor = new_phone(meier_);
    auto grant = grant_for(successor);
    grant.replaces = {former.id};
    ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
    ASSERT_TRUE(keyserver_->enrol(enrol_body(successor)).has_value());
    const auto credential = credential_of(successor);
    const auto size = log_size();
    roll_back(backup, copied);
    declare();
    ASSERT_LT(log_size(), size);
    ASSERT_TRUE(present(successor, credential).has_value());
    EXPECT_EQ(log_size(), size);
    EXPECT_EQ(view_->find(former.id)->standing, DeviceStanding::replaced);
}

TEST_F(RestoredForce, a_superseding_grant_in_the_second_place_holds_although_a_renewal_before_it_is_lost) {
    const auto phone = enrolled(meier_), lost = new_phone(schulz_);
    const auto backup = rows_;
    ASSERT_EQ(put_grant(signed_grant(grant_for(lost), {&chief_})), Errc{});
    ASSERT_TRUE(keyserver_->enrol(enrol_body(lost)).has_value());
    const auto credential = credential_of(lost);
    for (const auto* device : {&phone, &lost}) {
        auto grant = grant_for(*device);
        grant.version = 2;
        grant.display_name = "PHK Meier";
        ASSERT_EQ(put_grant(signed_grant(grant, {&chief_})), Errc{});
        grant.version = 3;
        grant.not_after = grant.not_after - std::chrono::hours(24);
        // By `enrol` alone: it follows version 2, and not version 1, which had another name.
        const auto document = signed_grant(grant, {&deputy_});
        ASSERT_EQ(put_orders({order(OrderKind::supersede, device->id, {&deputy_}, document.encode())}), Errc{});
    }
    stop();
    rows_ = backup;
    declare();
    EXPECT_EQ(view_->find(phone.id)->grant_version, 3u);
    ASSERT_TRUE(present(lost, credential).has_value());
    EXPECT_EQ(view_->find(lost.id)->grant_version, 3u);
    EXPECT_EQ(Credential::verify(credential_of(lost), *keyserver_->trust())->grant().display_name, "PHK Meier");
}

}  // namespace
}  // namespace melder::keyserver::testing
