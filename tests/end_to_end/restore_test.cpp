// A server put back from a backup, by frames: what it does until its operator has come, and how devices come back.

#include <gtest/gtest.h>

#include "proto/link.pb.h"
#include "tests/end_to_end/snapshot.hpp"

namespace melder::testing {
namespace {

class RestoredServer : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(world.start().has_value()); }

    static OfficerId officer() { return system_random().id<OfficerId>(); }
    static client::DeviceLogin facts_of(const World::Phone& phone) {
        client::DeviceLogin login;
        login.device = phone.id();
        login.client_version = "melder-test";
        return login;
    }
    /// A login that shows the credential.
    Result<std::unique_ptr<Link>> present(const World::Phone& phone, const wire::Credential& credential,
                                          wire::Welcome* welcome = nullptr) {
        auto login = facts_of(phone);
        login.credential = to_bytes(view(credential.SerializeAsString()));
        return log_in(std::move(login), phone, welcome);
    }
    Result<std::unique_ptr<Link>> log_in(client::DeviceLogin login, const World::Phone& phone, wire::Welcome* welcome) {
        auto link = world.connect();
        MELDER_TRY(auto answer, link->login(std::move(login), phone.login.private_key));
        if (welcome != nullptr) *welcome = std::move(answer);
        return link;
    }
    World::Phone enrolled(wire::Credential& credential) {
        auto phone = world.issue(officer());
        credential = world.enrol(phone).value();
        return phone;
    }
    static void upload(Link& link, const World::Phone& phone, std::uint32_t first, std::uint32_t signed_id) {
        auto& random = system_random();
        wire::Frame frame;
        auto& prekeys = *frame.mutable_upload_prekeys()->mutable_upload();
        const auto key = to_djb_key(generate_x25519(random).public_key);
        prekeys.mutable_signed_prekey()->set_id(signed_id);
        prekeys.mutable_signed_prekey()->set_public_key(to_string(key));
        prekeys.mutable_signed_prekey()->set_signature(to_string(sign_xeddsa(phone.identity.private_key, key, random)));
        for (std::uint32_t i = 0; i < 40; ++i) {
            auto& one = *prekeys.add_one_time();
            one.set_id(first + i);
            one.set_public_key(to_string(to_djb_key(generate_x25519(random).public_key)));
        }
        const auto done = link.request(std::move(frame));
        ASSERT_TRUE(done.has_value()) << done.error().message();
    }
    static wire::BundleResult take(Link& link, const EnrolmentId& target) {
        wire::Frame frame;
        frame.mutable_take_bundles()->add_devices(target.string());
        return link.request(std::move(frame))->bundles().results(0);
    }

    World world;
};

TEST_F(RestoredServer, a_device_that_the_backup_forgot_shows_its_credential_and_takes_part_again) {
    const auto known = world.phone(officer());
    Snapshot backup(world, data_alone);
    ASSERT_TRUE(world.start().has_value());
    wire::Credential credential;
    const auto lost = enrolled(credential);
    backup.put_back();
    ASSERT_TRUE(world.start({.restored = true}).has_value());

    EXPECT_EQ(world.login(lost).error().code(), Errc::unknown_device);
    wire::Welcome welcome;
    const auto link = present(lost, credential, &welcome);
    ASSERT_TRUE(link.has_value()) << link.error().message();
    EXPECT_FALSE(welcome.restricted());
    EXPECT_TRUE(welcome.restored());
    upload(**link, lost, 1, 1);
    const auto other = world.login(known).value();
    EXPECT_EQ(take(*other, lost.id()).code(), 0U);
    EXPECT_TRUE(world.login(lost).has_value()) << "the store knows it again";
}

TEST_F(RestoredServer, whoever_shows_a_credential_proves_its_login_key_all_the_same) {
    Snapshot backup(world, data_alone);
    ASSERT_TRUE(world.start().has_value());
    wire::Credential credential;
    auto lost = enrolled(credential);
    backup.put_back();
    ASSERT_TRUE(world.start({.restored = true}).has_value());
    lost.login = generate_p256();
    EXPECT_EQ(present(lost, credential).error().code(), Errc::login_refused);
    EXPECT_EQ(world.login(lost).error().code(), Errc::unknown_device) << "nobody was entered";
}

TEST_F(RestoredServer, a_revocation_holds_for_a_device_that_the_backup_forgot_from_its_first_login_on) {
    Snapshot backup(world, data_alone);
    ASSERT_TRUE(world.start().has_value());
    wire::Credential credential;
    const auto lost = enrolled(credential);
    ASSERT_TRUE(world.order(OrderKind::revoke, lost.id(), {&world.chief}).has_value());
    backup.put_back();
    EXPECT_EQ(world.start().error().code(), Errc::store_epoch_mismatch) << "the second place knows more";
    ASSERT_TRUE(world.start({.restored = true}).has_value());
    wire::Welcome welcome;
    const auto link = present(lost, credential, &welcome);
    ASSERT_TRUE(link.has_value()) << link.error().message();
    EXPECT_TRUE(welcome.restricted());
    const auto known = world.login(world.phone(officer())).value();
    EXPECT_EQ(static_cast<Errc>(take(*known, lost.id()).code()), Errc::device_revoked);
}

TEST_F(RestoredServer, a_snapshot_of_the_whole_machine_is_found_out_by_a_device_and_gives_no_prekey_twice) {
    const auto source = world.phone(officer()), target = world.phone(officer());
    upload(*world.login(target).value(), target, 1, 1);
    Snapshot backup(world, whole_machine);
    ASSERT_TRUE(world.start().has_value());
    const auto given = take(*world.login(source).value(), target.id()).bundle().one_time().id();
    ASSERT_NE(given, 0U);
    ASSERT_TRUE(world.order(OrderKind::suspend, world.phone(officer()).id(), {&world.chief}).has_value());
    Link reader(world.io);
    const auto statement = reader.connect(world.port(), world.trust())->statement_document->encode();
    backup.put_back();
    ASSERT_TRUE(world.start().has_value()) << "nothing on this machine shows it";

    auto login = facts_of(source);
    login.statement = statement;
    wire::Welcome welcome;
    const auto link = log_in(login, source, &welcome);
    ASSERT_TRUE(link.has_value()) << link.error().message();
    EXPECT_TRUE(welcome.restored());
    const auto refused = take(**link, target.id());
    EXPECT_EQ(static_cast<Errc>(refused.code()), Errc::server_restored);
    EXPECT_GT(refused.retry_after_ms(), 0U);

    world.stop();
    ASSERT_TRUE(world.start().has_value());
    EXPECT_EQ(static_cast<Errc>(take(*world.login(source).value(), target.id()).code()), Errc::server_restored);
    world.stop();
    ASSERT_TRUE(world.start({.restored = true}).has_value());
    const auto again = log_in(login, source, &welcome).value();
    EXPECT_EQ(static_cast<Errc>(take(*again, target.id()).code()), Errc::no_prekeys) << "none of a former epoch";
    upload(*world.login(target).value(), target, 41, 2);
    const auto fresh = take(*again, target.id());
    ASSERT_EQ(fresh.code(), 0U);
    EXPECT_NE(fresh.bundle().one_time().id(), given);
}

TEST_F(RestoredServer, a_take_that_leaves_a_connected_device_with_few_prekeys_tells_it) {
    const auto source = world.phone(officer()), target = world.phone(officer());
    wire::Welcome welcome;
    auto link = world.login(target, &welcome).value();
    EXPECT_TRUE(link->await(wire::Frame::kPrekeysLow)) << "it has none yet";
    for (std::uint32_t i = 0; i < 2; ++i)
        upload(*link, target, 1 + 40 * i, 1 + i);
    upload(*link, target, 81, 3);  // 120
    auto another = world.login(source).value();
    for (int taken = 0; taken < 21; ++taken) {
        if (taken % 6 == 0) another = world.login(world.phone(officer())).value();
        ASSERT_EQ(take(*another, target.id()).code(), 0U);
    }
    const auto notice = link->await(wire::Frame::kPrekeysLow);
    ASSERT_TRUE(notice);
    EXPECT_EQ(notice->prekeys_low().one_time_count(), 99U);
    link.reset();
    link = world.login(target, &welcome).value();
    EXPECT_TRUE(welcome.prekeys_low());
}

}  // namespace
}  // namespace melder::testing
