#include "core/credential.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "core/enrolment_code.hpp"
#include "tests/core/police_force.hpp"

namespace melder {
namespace {

struct Trust : ::testing::Test {
    testing::PoliceForce force;
};

TEST_F(Trust, a_trust_list_breaking_any_rule_of_its_shape_is_refused) {
    const std::vector<std::function<void(TrustList::Fields&)>> breaks{
        [](auto& f) { f.version = 0; },
        [](auto& f) { f.not_after = f.issued_at; },
        [](auto& f) { f.wipe_quorum = 1; },
        [](auto& f) { f.statement_keys.clear(); },
        [](auto& f) { f.statement_keys.push_back(f.statement_keys[0]); },
        [](auto& f) { f.pins.pop_back(); },
        [](auto& f) { f.pins[1] = f.pins[0]; },
        [](auto& f) { f.admin_keys.push_back(f.admin_keys[0]); },
        [](auto& f) { f.lowest_suite = 0; },
        [](auto& f) { f.longest_lease_s = 73 * 3600; },
        [](auto& f) { f.longest_retention_s = 31 * 86400; },
        [](auto& f) { f.longest_history_s = 8 * 86400; },
        [](auto& f) { f.longest_code_validity_s = 31 * 86400; },
    };
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto fields = force.fields();
        breaks[i](fields);
        EXPECT_EQ(TrustList::encode(fields).error(), Errc::malformed) << i;
    }
    auto other_roots = force.fields();
    other_roots.root_set_version = 2;
    EXPECT_EQ(force.list(other_roots).error(), Errc::malformed);
}
TEST_F(Trust, a_trust_list_needs_the_threshold_of_good_root_signatures) {
    SignedBytes document{TrustList::encode(force.fields()).value(), {}};
    EXPECT_EQ(TrustList::verify(document, force.roots).error(), Errc::unknown_signer);
    sign(document, Context::trust_list, force.root);
    EXPECT_TRUE(TrustList::verify(document, force.roots));
    auto two = force.roots;
    two.threshold = 2;
    EXPECT_EQ(TrustList::verify(document, two).error(), Errc::needs_more_signatures);
    document.signatures[0].signature[0] ^= 1;
    EXPECT_EQ(TrustList::verify(document, force.roots).error(), Errc::bad_signature);
}
TEST_F(Trust, a_lower_version_and_an_equal_one_with_other_bytes_may_not_follow) {
    auto fields = force.fields();
    fields.version = 2;
    const auto second = force.list(fields).value();
    fields.not_after = fields.not_after + std::chrono::hours(1);
    const auto other_second = force.list(fields).value();
    EXPECT_EQ(force.trust.may_follow(second).error(), Errc::trust_list_too_old);
    EXPECT_EQ(other_second.may_follow(second).error(), Errc::trust_list_conflict);
    EXPECT_TRUE(second.may_follow(second));
    EXPECT_TRUE(second.may_follow(force.trust));
}
TEST_F(Trust, a_root_set_follows_only_by_its_predecessors_keys_and_hash) {
    RootSet next{2, 1, {ed25519_public_of(force.chief)}, sha256(force.roots.encode())};
    SignedBytes document{next.encode(), {}};
    EXPECT_EQ(force.roots.verify_successor(document).error(), Errc::unknown_signer);
    sign(document, Context::root_set, force.reserve_root);
    EXPECT_TRUE(force.roots.verify_successor(document));
    next.previous = Hash();
    SignedBytes stranger{next.encode(), {}};
    sign(stranger, Context::root_set, force.root);
    EXPECT_EQ(force.roots.verify_successor(stranger).error(), Errc::malformed);
}
TEST_F(Trust, a_retired_key_counts_below_its_log_size_only_and_a_distrusted_one_never) {
    const auto phone = force.phone();
    auto fields = force.fields();
    fields.admin_keys[0].state = KeyState::retired;
    fields.admin_keys[0].retired_at_log_size = 5;
    const auto retired = force.list(fields).value();
    EXPECT_TRUE(retired.verify_by_admins(phone.signed_grant, Context::grant, Right::enrol, 1, 4));
    EXPECT_EQ(retired.verify_by_admins(phone.signed_grant, Context::grant, Right::enrol, 1, 5).error(),
              Errc::unknown_signer);
    fields.admin_keys[0].state = KeyState::distrusted;
    EXPECT_EQ(force.list(fields)->verify_by_admins(phone.signed_grant, Context::grant, Right::enrol, 1, 4).error(),
              Errc::unknown_signer);
}
TEST_F(Trust, one_key_never_fills_a_quorum_of_two) {
    SignedBytes document{to_bytes(view("body")), {}};
    sign(document, Context::order, force.chief);
    sign(document, Context::order, force.chief);
    EXPECT_EQ(force.trust.verify_by_admins(document, Context::order, Right::wipe, 2, 0).error(),
              Errc::needs_more_signatures);
    EXPECT_EQ(SignedBytes::parse(document.encode()).error(), Errc::malformed);
}

TEST_F(Trust, a_grant_breaking_any_rule_of_its_shape_is_refused) {
    const auto good = force.phone().grant;
    EXPECT_TRUE(good.encode());
    const std::vector<std::function<void(Grant&)>> breaks{
        [](auto& g) { g.display_name = ""; },
        [](auto& g) { g.display_name = std::string(201, 'x'); },
        [](auto& g) { g.display_name = "two\nlines"; },
        [](auto& g) { g.display_name = "\xC0\x80"; },
        [](auto& g) { g.display_name = "\xE2\x80\xAEgnol"; },
        [](auto& g) { g.service_number = std::string(65, '1'); },
        [](auto& g) { g.unit = UnitPath(); },
        [](auto& g) { g.roles = {Role::member, Role::member}; },
        [](auto& g) { g.app = "Messenger"; },
        [](auto& g) { g.version = 0; },
        [](auto& g) { g.not_after = g.not_before; },
        [](auto& g) { g.not_after = g.not_before + std::chrono::hours(24 * 401); },
        [](auto& g) { g.replaces = {g.enrolment_id}; },
        [](auto& g) { g.enrolment_id = {}; },
        [](auto& g) { g.officer_id = {}; },
    };
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto grant = good;
        breaks[i](grant);
        EXPECT_EQ(grant.encode().error(), Errc::malformed) << i;
    }
}
TEST_F(Trust, each_change_of_a_grant_takes_the_right_for_it) {
    const auto phone = force.phone();
    const auto judge = [&](const Grant& next, const Ed25519Seed& signer) {
        return verify_grant(force.sign_grant(next, {&signer}), force.trust, &phone.grant);
    };
    auto renewed = phone.grant;
    renewed.version = 2;
    renewed.not_after = renewed.not_after + std::chrono::hours(24);
    EXPECT_TRUE(judge(renewed, force.issuer));
    EXPECT_EQ(judge(renewed, force.clerk).error(), Errc::missing_right);

    auto moved = phone.grant;
    moved.version = 2;
    moved.unit = UnitPath::parse("LKA/K6").value();
    EXPECT_TRUE(judge(moved, force.clerk));
    EXPECT_EQ(judge(moved, force.issuer).error(), Errc::missing_right);

    auto promoted = phone.grant;
    promoted.version = 2;
    promoted.roles = {Role::member, Role::leader};
    EXPECT_TRUE(judge(promoted, force.chief));
    EXPECT_EQ(judge(promoted, force.clerk).error(), Errc::missing_right);
}
TEST_F(Trust, a_grant_version_repeats_who_the_device_is_and_grows) {
    const auto phone = force.phone();
    const std::vector<std::function<void(Grant&)>> breaks{
        [](auto& g) { g.version = 1; },
        [&](auto& g) { g.officer_id = force.random.id<OfficerId>(); },
        [](auto& g) { g.app = "scanner"; },
        [&](auto& g) { g.enrolment_key = ed25519_public_of(force.root); },
        [&](auto& g) { g.enrolment_id = force.random.id<EnrolmentId>(); },
    };
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto next = phone.grant;
        next.version = 2;
        breaks[i](next);
        const auto document = force.sign_grant(next, {&force.chief});
        EXPECT_EQ(verify_grant(document, force.trust, &phone.grant).error(), Errc::credential_invalid) << i;
    }
}
TEST_F(Trust, a_first_grant_takes_enrol_and_a_replacing_one_also_revoke) {
    auto phone = force.phone();
    EXPECT_EQ(verify_grant(force.sign_grant(phone.grant, {&force.clerk}), force.trust, nullptr).error(),
              Errc::missing_right);
    phone.grant.replaces = {force.random.id<EnrolmentId>()};
    EXPECT_EQ(verify_grant(force.sign_grant(phone.grant, {&force.issuer}), force.trust, nullptr).error(),
              Errc::missing_right);
    EXPECT_TRUE(verify_grant(force.sign_grant(phone.grant, {&force.issuer, &force.deputy}), force.trust, nullptr));
    phone.grant.lowest_trust_list = 2;
    EXPECT_EQ(verify_grant(force.sign_grant(phone.grant, {&force.chief}), force.trust, nullptr).error(),
              Errc::trust_list_too_old);
}

TEST_F(Trust, a_credential_verifies_and_keeps_the_bytes_it_came_in) {
    const auto phone = force.phone();
    const auto encoded = to_bytes(view(phone.credential().SerializeAsString()));
    const auto credential = Credential::verify(encoded, force.trust);
    ASSERT_TRUE(credential) << credential.error();
    EXPECT_EQ(credential->encoded(), encoded);
    EXPECT_EQ(credential->device(), phone.grant.enrolment_id);
    EXPECT_EQ(credential->binding().identity_key, phone.identity.public_key);
    EXPECT_TRUE(credential->valid_at(force.now));
    EXPECT_FALSE(credential->valid_at(force.now - std::chrono::seconds(1)));
    EXPECT_FALSE(credential->valid_at(phone.grant.not_after + std::chrono::seconds(1)));
}
TEST_F(Trust, a_credential_with_one_part_of_another_device_is_refused) {
    const auto mine = force.phone();
    const auto other = force.phone();
    auto binding = mine.credential();
    *binding.mutable_binding() = other.credential().binding();
    EXPECT_EQ(Credential::verify(binding, force.trust).error(), Errc::bad_signature);
    auto date = mine.credential();
    *date.mutable_date() = other.credential().date();
    EXPECT_EQ(Credential::verify(date, force.trust).error(), Errc::credential_invalid);
    for (const bool by_identity : {false, true}) {
        auto forged = mine.credential();
        auto* signature = by_identity ? forged.mutable_binding()->mutable_identity_signature()
                                      : forged.mutable_binding()->mutable_enrolment_signature();
        (*signature)[0] ^= 1;
        EXPECT_EQ(Credential::verify(forged, force.trust).error(), Errc::bad_signature) << by_identity;
    }
}
TEST_F(Trust, a_binding_dated_after_bind_before_or_by_a_stranger_does_not_count) {
    auto phone = force.phone();
    force.bind(phone, phone.grant.bind_before + std::chrono::seconds(1));
    EXPECT_EQ(Credential::verify(phone.credential(), force.trust).error(), Errc::credential_invalid);
    phone.date = date_binding(phone.signed_grant.body_hash(), sha256(phone.binding.body), force.now, force.chief);
    EXPECT_EQ(Credential::verify(phone.credential(), force.trust).error(), Errc::unknown_signer);
}
TEST_F(Trust, a_credential_cut_short_or_flipped_anywhere_is_refused_and_never_crashes) {
    const auto encoded = to_bytes(view(force.phone().credential().SerializeAsString()));
    for (std::size_t size = 0; size < encoded.size(); size += 7) {
        EXPECT_TRUE(Credential::verify(BytesView(encoded).first(size), force.trust).has_error());
    }
    EXPECT_EQ(Credential::verify(Bytes(9000), force.trust).error(), Errc::too_large);
}

TEST(EnrolmentCode, survives_printing_and_peoples_typing) {
    SeededRandom random(3);
    for (const std::uint64_t version : {0ULL, 1ULL, 255ULL, 256ULL, ~0ULL}) {
        const auto code = EnrolmentCode::generate(random, version);
        const std::string text(as_chars(code.text().expose()));
        EXPECT_TRUE(text.starts_with("MLD1-"));
        auto typed = text;
        for (char& c : typed)
            c = c == '0' ? 'o' : c == '1' ? 'l' : static_cast<char>(std::tolower(c));
        typed[1] = 'i';
        const auto read = EnrolmentCode::parse(typed);
        ASSERT_TRUE(read) << typed;
        EXPECT_EQ(read->enrolment_id(), code.enrolment_id());
        EXPECT_EQ(read->lowest_trust_list(), version);
        EXPECT_TRUE(read->enrolment_seed()->equals(*code.enrolment_seed()));
    }
}
TEST(EnrolmentCode, one_wrong_character_or_a_short_secret_is_noticed) {
    SeededRandom random(4);
    const auto code = EnrolmentCode::generate(random, 1);
    const std::string text(as_chars(code.text().expose()));
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '-') continue;
        auto wrong = text;
        wrong[i] = wrong[i] == '7' ? '8' : '7';
        EXPECT_EQ(EnrolmentCode::parse(wrong).error(), Errc::code_malformed) << i;
    }
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_TRUE(EnrolmentCode::parse(text.substr(0, size)).has_error());
    }
    EXPECT_TRUE(EnrolmentCode::parse(std::string(4000, 'A')).has_error());
}
TEST(EnrolmentCode, a_second_part_changes_the_key_and_not_the_id) {
    SeededRandom random(5);
    const auto code = EnrolmentCode::generate(random, 1);
    EXPECT_FALSE(code.enrolment_seed("second")->equals(*code.enrolment_seed()));
}

}  // namespace
}  // namespace melder
