#include "apps/melder-admin/ceremony.hpp"

#include <gtest/gtest.h>

#include "apps/melder-admin/documents.hpp"
#include "apps/melder-admin/force_file.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

using namespace std::chrono_literals;

class Ceremony : public testing::Test {
protected:
    SeededRandom random{1};
    UnixTime now = UnixTime::from_seconds(1'800'000'000);
    RootKeys roots = make_root_keys(1, random).value();
    Ed25519Seed admin = random.secret<Ed25519Seed>();

    ListDraft draft() {
        ListDraft out;
        SetupRequest server;
        server.statement_keys = {ed25519_public_of(random.secret<Ed25519Seed>())};
        for (int i = 0; i < 2; ++i) {
            const auto spki = random.id<Hash>();
            server.pins.push_back({spki, ServerRole::relay});
            server.pins.push_back({spki, ServerRole::keyserver});
        }
        out.servers = {server};
        out.admins = {{ed25519_public_of(admin), {Right::enrol, Right::revoke}}};
        out.now = now;
        out.valid = 24h * 365;
        return out;
    }
    static std::vector<Ed25519Seed> keys(const Ed25519Seed& one) {
        std::vector<Ed25519Seed> out;
        out.push_back(one.clone());
        return out;
    }
};

TEST_F(Ceremony, either_root_key_signs_the_first_list_alone) {
    for (const auto* key : {&roots.working, &roots.reserve}) {
        const auto list = sign_trust_list(draft(), roots.set, keys(*key));
        ASSERT_TRUE(list.has_value()) << list.error();
        EXPECT_EQ(TrustList::verify(*list, roots.set).value().version(), 1u);
    }
}

TEST_F(Ceremony, with_a_threshold_of_two_one_key_is_not_enough) {
    const auto strict = make_root_keys(2, random).value();
    EXPECT_TRUE(sign_trust_list(draft(), strict.set, keys(strict.working)).has_error());
    auto both = keys(strict.working);
    both.push_back(strict.reserve.clone());
    EXPECT_TRUE(sign_trust_list(draft(), strict.set, both).has_value());
    EXPECT_EQ(make_root_keys(3, random).error(), Errc::bad_argument);
}

TEST_F(Ceremony, the_next_list_keeps_what_the_previous_said) {
    const auto first =
        TrustList::verify(sign_trust_list(draft(), roots.set, keys(roots.working)).value(), roots.set).value();
    ListDraft next;
    next.previous = &first;
    next.now = now + 24h;
    next.valid = 24h * 365;
    const auto other = ed25519_public_of(random.secret<Ed25519Seed>());
    next.admins = {{other, {Right::directory}}};
    const auto second =
        TrustList::verify(sign_trust_list(next, roots.set, keys(roots.working)).value(), roots.set).value();
    EXPECT_EQ(second.version(), 2u);
    EXPECT_TRUE(second.may_follow(first).has_value());
    EXPECT_EQ(second.fields().pins.size(), first.fields().pins.size());
    EXPECT_NE(second.find_admin(key_id_of(ed25519_public_of(admin))), nullptr);
    EXPECT_NE(second.find_admin(key_id_of(other)), nullptr);
}

TEST_F(Ceremony, the_public_half_of_a_key_survives_its_file) {
    const AdminKey key{ed25519_public_of(admin), {Right::enrol, Right::wipe}};
    const auto read = parse_admin_public(encode_admin_public(key)).value();
    EXPECT_EQ(read.key, key.key);
    EXPECT_EQ(read.rights, key.rights);
    EXPECT_TRUE(parse_admin_public(encode_admin_public(key) + "more\n").has_error());
    EXPECT_EQ(parse_rights("enrol,fly").error(), Errc::bad_argument);
    EXPECT_EQ(parse_rights("enrol,enrol").error(), Errc::bad_argument);
    EXPECT_EQ(parse_rights("").error(), Errc::bad_argument);
}

TEST_F(Ceremony, a_grant_belongs_to_its_code_and_carries_the_log_head_but_not_the_code) {
    const auto trust =
        TrustList::verify(sign_trust_list(draft(), roots.set, keys(roots.working)).value(), roots.set).value();
    Statement at;
    at.time = now;
    at.trust_list_version = 1;
    at.log_size = 7;
    at.log_head = random.id<Hash>();
    GrantRequest request;
    request.officer = random.id<OfficerId>();
    request.display_name = "Anna Berger";
    request.service_number = "10001";
    request.unit = UnitPath::parse("LKA/K5").value();
    request.roles = {Role::member};
    request.code_valid = 24h;
    request.grant_valid = 24h * 365;
    const auto issued = issue_code(request, at, admin, random).value();
    const auto grant = verify_grant(issued.document, trust, nullptr);
    ASSERT_TRUE(grant.has_value()) << grant.error();
    EXPECT_EQ(grant->enrolment_id, issued.code.enrolment_id());
    EXPECT_EQ(grant->enrolment_key, ed25519_public_of(issued.code.enrolment_seed().value()));
    EXPECT_EQ(grant->log_size, 7u);
    EXPECT_EQ(grant->log_head, at.log_head);
    EXPECT_EQ(grant->bind_before, now + 24h);
    const auto text = issued.code.text();
    const auto encoded = issued.document.encode();
    EXPECT_TRUE(std::ranges::search(encoded, text.expose()).empty());
}

TEST_F(Ceremony, a_code_for_longer_than_a_grant_may_last_is_refused) {
    GrantRequest request;
    request.officer = random.id<OfficerId>();
    request.display_name = "Anna Berger";
    request.unit = UnitPath::parse("LKA").value();
    request.code_valid = 24h;
    request.grant_valid = 24h * 401;
    Statement at;
    at.time = now;
    EXPECT_TRUE(issue_code(request, at, admin, random).has_error());
}

TEST_F(Ceremony, an_order_follows_the_targets_previous_one_and_hides_its_reason) {
    OrderRequest request;
    request.target = random.id<EnrolmentId>();
    request.previous_counter = 4;
    request.previous = random.id<Hash>();
    request.now = now;
    request.reason = "lost on patrol";
    const auto made = sign_order(request, keys(admin), random);
    const auto order = Order::parse(made.document.body).value();
    EXPECT_EQ(order.counter, 5u);
    EXPECT_EQ(order.previous, request.previous);
    EXPECT_EQ(order.reason, sha256({made.reason_salt, view(request.reason)}));
    EXPECT_EQ(as_chars(made.document.body).find(request.reason), std::string_view::npos);
    // Short reasons could be guessed from a bare hash: the salt is new each time.
    EXPECT_NE(Order::parse(sign_order(request, keys(admin), random).document.body).value().reason, order.reason);
}

TEST(Duration, has_a_unit_and_a_sensible_size) {
    EXPECT_EQ(parse_duration("90s").value(), 90s);
    EXPECT_EQ(parse_duration("30d").value(), 24h * 30);
    for (const auto* text : {"", "s", "24", "-1h", "0h", "1.5h", "h24", "99999999999999999999d", "10000001d", "24hh"}) {
        EXPECT_EQ(parse_duration(text).error(), Errc::bad_argument) << text;
    }
}

TEST(ForceFile, names_units_and_officers) {
    const auto force = Force::parse(
        "# people\nunit,LKA,LKA\nunit,LKA/K5,\"Cyber, \"\"K5\"\"\"\r\n\nofficer,10001,Anna "
        "Berger,LKA/K5,member+leader\n");
    ASSERT_TRUE(force.has_value()) << force.error();
    EXPECT_EQ(force->units.at(1).name, "Cyber, \"K5\"");
    EXPECT_EQ(force->officers.at(0).service_number, "10001");
    EXPECT_EQ(force->officers.at(0).roles.size(), 2u);
}

TEST(ForceFile, names_the_line_that_is_wrong) {
    const std::string good = "unit,LKA,Landeskriminalamt\n";
    for (const auto* bad :
         {"unit,LKA,twice\n", "unit,L KA,name\n", "officer,1,Anna,K9,member\n", "officer,1,Anna,LKA,boss\n",
          "officer,,Anna,LKA,member\n", "officer,1,An\x01na,LKA,member\n", "unit,\"LKA,x\n", "nonsense\n"}) {
        const auto force = Force::parse(good + bad);
        ASSERT_TRUE(force.has_error()) << bad;
        EXPECT_EQ(force.error().detail().substr(0, 7), "line 2,") << bad;
    }
    EXPECT_TRUE(Force::parse("").has_error());
}

}  // namespace
}  // namespace melder::admin
