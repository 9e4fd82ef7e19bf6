// Grants, bindings and credentials: every bound, and who may sign which change.
#include <gtest/gtest.h>

#include <functional>

#include "core/limits.hpp"
#include "tests/core/police_force.hpp"

namespace melder {
namespace {

struct GrantRefusals : ::testing::Test {
    testing::PoliceForce force;
    testing::PoliceForce::Phone phone = force.phone();

    Errc judge(const Grant& next, std::initializer_list<const Ed25519Seed*> signers) {
        const auto result = verify_grant(force.sign_grant(next, signers), force.trust, &phone.grant);
        return result.has_value() ? Errc{} : result.error().code();
    }
    Grant second() {
        auto out = phone.grant;
        out.version = 2;
        return out;
    }
    /// The phone's second version as it would stand in a credential.
    wire::Credential renewed() {
        auto out = phone.credential();
        *out.mutable_grant() = force.sign_grant(second(), {&force.issuer}).to_wire();
        out.set_first_grant_sha256(phone.signed_grant.body_hash().string());
        return out;
    }
};

TEST_F(GrantRefusals, a_grant_breaking_any_rule_on_the_wire_is_refused) {
    const std::vector<std::function<void(wire::Grant&)>> breaks{
        [](auto& m) { m.mutable_enrolment_id()->pop_back(); },
        [](auto& m) { m.mutable_officer_id()->push_back('x'); },
        [](auto& m) { m.mutable_enrolment_key()->pop_back(); },
        [](auto& m) { m.mutable_log_head()->pop_back(); },
        [](auto& m) { m.add_replaces("short"); },
        [](auto& m) { m.add_roles(static_cast<wire::Role>(3)); },
        [](auto& m) { m.add_roles(wire::ROLE_NONE); },
        [](auto& m) { m.clear_unit(); },
        [](auto& m) { m.set_app(std::string(33, 'a')); },
        [](auto& m) { m.set_version(0); },
        [](auto& m) { m.set_not_after_s(m.not_before_s()); },
        [](auto& m) { m.set_bind_before_s(~0ULL); },
    };
    const auto good = phone.grant.encode().value();
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        wire::Grant message;
        ASSERT_TRUE(message.ParseFromArray(good.data(), static_cast<int>(good.size())));
        breaks[i](message);
        EXPECT_EQ(Grant::parse(view(message.SerializeAsString())).error(), Errc::malformed) << i;
    }
}

TEST_F(GrantRefusals, the_longest_grant_counts_and_one_a_little_longer_does_not) {
    auto grant = phone.grant;
    grant.not_after = grant.not_before + std::chrono::hours(24 * 400);
    EXPECT_TRUE(grant.encode());
    grant.not_after = grant.not_after + std::chrono::seconds(1);
    EXPECT_EQ(grant.encode().error(), Errc::malformed);

    auto replacing = phone.grant;
    while (replacing.replaces.size() < limits::replaced_per_grant)
        replacing.replaces.push_back(force.random.id<EnrolmentId>());
    EXPECT_TRUE(replacing.encode());
    replacing.replaces.push_back(force.random.id<EnrolmentId>());
    EXPECT_EQ(replacing.encode().error(), Errc::malformed);
    replacing.replaces.pop_back();
    replacing.replaces.back() = replacing.replaces.front();
    EXPECT_EQ(replacing.encode().error(), Errc::malformed);

    // A field nobody knows fills the body up to the bound.
    auto body = phone.grant.encode().value();
    const auto rest = limits::grant_bytes - body.size() - 4;
    for (const auto byte : {std::size_t{0xF2}, std::size_t{0x01}, (rest & 0x7F) | 0x80, rest >> 7})
        body.push_back(static_cast<Byte>(byte));
    body.insert(body.end(), rest, Byte{0});
    ASSERT_EQ(body.size(), limits::grant_bytes);
    EXPECT_TRUE(Grant::parse(body));
    body.insert(body.end(), {Byte{0xF0}, Byte{0x01}, Byte{0}});
    EXPECT_EQ(Grant::parse(body).error(), Errc::too_large);
}

TEST_F(GrantRefusals, every_field_that_names_takes_directory_and_every_longer_time_takes_enrol) {
    const std::vector<std::function<void(Grant&)>> names{
        [](auto& g) { g.display_name = "Jürgen Klein"; },
        [](auto& g) { g.service_number = "4712"; },
        [](auto& g) { g.unit = UnitPath::parse("LKA").value(); },
        [](auto& g) { g.roles.clear(); },
    };
    for (std::size_t i = 0; i < names.size(); ++i) {
        auto next = second();
        names[i](next);
        EXPECT_EQ(judge(next, {&force.clerk}), Errc{}) << i;
        EXPECT_EQ(judge(next, {&force.issuer}), Errc::missing_right) << i;
    }
    const std::vector<std::function<void(Grant&)>> times{
        [](auto& g) { g.not_after = g.not_after + std::chrono::seconds(1); },
        [](auto& g) { g.not_before = g.not_before - std::chrono::seconds(1); },
        [](auto& g) { g.not_after = g.not_after - std::chrono::seconds(1); },  // nothing but the time: a renewal
    };
    for (std::size_t i = 0; i < times.size(); ++i) {
        auto next = second();
        times[i](next);
        EXPECT_EQ(judge(next, {&force.issuer}), Errc{}) << i;
        EXPECT_EQ(judge(next, {&force.clerk}), Errc::missing_right) << i;
    }
    auto both = second();
    names[0](both);
    times[0](both);
    EXPECT_EQ(judge(both, {&force.clerk}), Errc::missing_right);
    EXPECT_EQ(judge(both, {&force.issuer}), Errc::missing_right);
    EXPECT_EQ(judge(both, {&force.issuer, &force.clerk}), Errc{});
}

TEST_F(GrantRefusals, a_later_version_keeps_what_it_replaced_and_until_when_it_could_be_bound) {
    auto rebindable = second();
    rebindable.bind_before = rebindable.bind_before + std::chrono::hours(1);
    EXPECT_EQ(judge(rebindable, {&force.chief}), Errc::credential_invalid);
    auto replacing = second();
    replacing.replaces = {force.random.id<EnrolmentId>()};
    EXPECT_EQ(judge(replacing, {&force.chief}), Errc::credential_invalid);
}

TEST_F(GrantRefusals, a_later_version_met_first_takes_a_right_that_makes_versions) {
    auto fields = force.fields();
    fields.admin_keys[3].rights = {Right::revoke, Right::wipe, Right::helpdesk};
    const auto trust = force.list(fields).value();
    EXPECT_EQ(verify_grant(force.sign_grant(second(), {&force.issuer}), trust, nullptr).error(), Errc::missing_right);
    EXPECT_TRUE(verify_grant(force.sign_grant(second(), {&force.clerk}), trust, nullptr));
}

TEST_F(GrantRefusals, a_later_version_hangs_on_the_first_grant_that_its_date_names) {
    EXPECT_TRUE(Credential::verify(renewed(), force.trust));
    auto unnamed = renewed();
    unnamed.clear_first_grant_sha256();
    EXPECT_EQ(Credential::verify(unnamed, force.trust).error(), Errc::malformed);
    auto other = renewed();
    other.set_first_grant_sha256(force.phone().signed_grant.body_hash().string());
    EXPECT_EQ(Credential::verify(other, force.trust).error(), Errc::credential_invalid);
    auto first = phone.credential();
    first.set_first_grant_sha256(std::string(32, 'h'));
    EXPECT_EQ(Credential::verify(first, force.trust).error(), Errc::credential_invalid);
}

TEST_F(GrantRefusals, a_binding_of_the_last_moment_counts) {
    force.bind(phone, phone.grant.bind_before);
    EXPECT_TRUE(Credential::verify(phone.credential(), force.trust));
}

TEST_F(GrantRefusals, a_binding_of_another_device_under_the_same_enrolment_key_is_refused) {
    const Binding other{force.random.id<EnrolmentId>(), phone.identity.public_key, phone.login.public_key, 77};
    phone.binding = sign_binding(other, phone.enrolment, phone.identity.private_key, force.random);
    phone.date = date_binding(phone.signed_grant.body_hash(), sha256(phone.binding.body), force.now, force.statements);
    EXPECT_EQ(Credential::verify(phone.credential(), force.trust).error(), Errc::credential_invalid);
}

TEST_F(GrantRefusals, a_date_counts_for_the_binding_it_names_only) {
    const auto first = phone.date;
    phone.login = generate_p256();
    force.bind(phone, force.now);
    EXPECT_TRUE(Credential::verify(phone.credential(), force.trust));
    phone.date = first;  // of the binding that won
    EXPECT_EQ(Credential::verify(phone.credential(), force.trust).error(), Errc::credential_invalid);
}

TEST_F(GrantRefusals, bytes_that_end_within_a_field_are_refused_though_all_fields_were_there) {
    auto grant = phone.grant.encode().value();
    grant.push_back(0x0A);
    EXPECT_EQ(Grant::parse(grant).error(), Errc::malformed);
    auto binding = phone.binding.body;
    binding.push_back(0x0A);
    EXPECT_EQ(Binding::parse(binding).error(), Errc::malformed);
    auto credential = to_bytes(view(phone.credential().SerializeAsString()));
    credential.push_back(0x0A);
    EXPECT_EQ(Credential::verify(credential, force.trust).error(), Errc::malformed);
    phone.date.body.push_back(0x0A);
    phone.date.signatures.clear();
    sign(phone.date, Context::binding_date, force.statements);
    EXPECT_EQ(Credential::verify(phone.credential(), force.trust).error(), Errc::malformed);
}

TEST_F(GrantRefusals, a_time_before_1970_is_not_encoded) {
    phone.grant.bind_before = UnixTime{-5000};
    EXPECT_EQ(phone.grant.encode().error(), Errc::malformed);
}

TEST_F(GrantRefusals, a_login_key_of_another_length_is_a_bad_key) {
    wire::Binding message;
    ASSERT_TRUE(message.ParseFromArray(phone.binding.body.data(), static_cast<int>(phone.binding.body.size())));
    message.mutable_login_key()->pop_back();
    EXPECT_EQ(Binding::parse(view(message.SerializeAsString())).error(), Errc::bad_key);
}

TEST_F(GrantRefusals, a_registration_id_lies_between_1_and_16380) {
    for (const std::uint32_t id : {1U, 16380U}) {
        const Binding binding{phone.grant.enrolment_id, phone.identity.public_key, phone.login.public_key, id};
        EXPECT_TRUE(Binding::parse(binding.encode())) << id;
    }
    for (const std::uint32_t id : {0U, 16381U, ~0U}) {
        const Binding binding{phone.grant.enrolment_id, phone.identity.public_key, phone.login.public_key, id};
        EXPECT_EQ(Binding::parse(binding.encode()).error(), Errc::malformed) << id;
    }
}

}  // namespace
}  // namespace melder
