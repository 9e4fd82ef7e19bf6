// What a root set, a trust list or an order must not say. The bytes are made on the wire, where our own encoder cannot
// step in, and carry good signatures: only the check under test stands between them and being believed.
#include <gtest/gtest.h>

#include <functional>

#include "core/limits.hpp"
#include "tests/core/police_force.hpp"

namespace melder {
namespace {

template <class Message>
Message parsed(BytesView body) {
    Message out;
    EXPECT_TRUE(out.ParseFromArray(body.data(), static_cast<int>(body.size())));
    return out;
}
template <class Message>
Bytes serialised(const Message& message) {
    return to_bytes(view(message.SerializeAsString()));
}
/// The body with `count` bytes (128..16383) in a field that nobody knows.
Bytes padded(Bytes body, std::size_t count) {
    body.push_back(Byte{0xF2});  // field 30, length-delimited
    body.push_back(Byte{0x01});
    body.push_back(static_cast<Byte>((count & 0x7F) | 0x80));
    body.push_back(static_cast<Byte>(count >> 7));
    body.insert(body.end(), count, Byte{0});
    return body;
}

struct Refusals : ::testing::Test {
    testing::PoliceForce force;

    Result<TrustList> believed(Bytes body) {
        SignedBytes document{std::move(body), {}};
        sign(document, Context::trust_list, force.root);
        return TrustList::verify(document, force.roots);
    }
    Ed25519Public some_key() { return ed25519_public_of(force.random.secret<Ed25519Seed>()); }
};

TEST_F(Refusals, a_root_set_breaking_any_rule_of_its_shape_is_refused) {
    const RootSet first{1, 2, {some_key(), some_key()}, std::nullopt};
    ASSERT_TRUE(RootSet::parse(first.encode()));
    const std::vector<std::function<void(wire::RootSet&)>> breaks{
        [](auto& m) { m.set_threshold(0); },
        [](auto& m) { m.set_threshold(3); },
        [](auto& m) { m.set_keys(1, m.keys(0)); },
        [](auto& m) { m.clear_keys(); },
        [](auto& m) { m.mutable_keys(0)->pop_back(); },
        [](auto& m) { m.mutable_keys(0)->push_back('x'); },
        [](auto& m) { m.set_version(0), m.set_previous_sha256(std::string(32, 'h')); },
        [](auto& m) { m.set_previous_sha256(std::string(32, 'h')); },  // the first has no predecessor
        [](auto& m) { m.set_version(2); },                             // the second has one
        [](auto& m) { m.set_version(2), m.set_previous_sha256(std::string(31, 'h')); },
        [&](auto& m) {
            while (m.keys_size() <= static_cast<int>(limits::root_keys))
                m.add_keys(some_key().string());
        },
    };
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto message = parsed<wire::RootSet>(first.encode());
        breaks[i](message);
        EXPECT_EQ(RootSet::parse(serialised(message)).error(), Errc::malformed) << i;
    }
    auto torn = first.encode();
    torn.push_back(0x0A);  // a field begins and nothing follows
    EXPECT_EQ(RootSet::parse(torn).error(), Errc::malformed);
}

TEST_F(Refusals, a_root_set_skips_no_version_and_takes_the_whole_threshold) {
    auto roots = force.roots;
    roots.threshold = 2;
    RootSet next{3, 1, {some_key()}, sha256(roots.encode())};
    const auto signed_by = [&](std::initializer_list<const Ed25519Seed*> seeds) {
        SignedBytes document{next.encode(), {}};
        for (const auto* seed : seeds)
            sign(document, Context::root_set, *seed);
        return roots.verify_successor(document);
    };
    EXPECT_EQ(signed_by({&force.root, &force.reserve_root}).error(), Errc::malformed);
    next.version = 2;
    EXPECT_EQ(signed_by({&force.root}).error(), Errc::needs_more_signatures);
    EXPECT_TRUE(signed_by({&force.root, &force.reserve_root}));
}

TEST_F(Refusals, a_signed_trust_list_breaking_any_rule_of_its_shape_is_refused) {
    const auto good = TrustList::encode(force.fields()).value();
    ASSERT_TRUE(believed(good));
    const std::vector<std::function<void(wire::TrustList&)>> breaks{
        [](auto& m) { m.mutable_admin_keys(0)->mutable_public_key()->pop_back(); },
        [](auto& m) { m.mutable_admin_keys(0)->add_rights(static_cast<wire::Right>(7)); },
        [](auto& m) { m.mutable_admin_keys(2)->add_rights(wire::RIGHT_NONE); },
        [](auto& m) { m.mutable_admin_keys(2)->add_rights(m.admin_keys(2).rights(0)); },
        [](auto& m) { m.mutable_admin_keys(0)->set_state(static_cast<wire::KeyState>(3)); },
        [](auto& m) { *m.add_admin_keys() = m.admin_keys(1); },
        [](auto& m) { m.mutable_statement_keys(0)->push_back('x'); },
        [](auto& m) { m.add_statement_keys(m.statement_keys(0)); },
        [](auto& m) { m.mutable_pins(0)->mutable_spki_sha256()->pop_back(); },
        [](auto& m) {
            *m.add_pins() = m.pins(0);
            m.mutable_pins(4)->set_role(static_cast<wire::ServerRole>(3));
        },
        [](auto& m) { m.mutable_pins()->DeleteSubrange(0, 1); },  // one relay pin left
        [](auto& m) { m.mutable_pins()->DeleteSubrange(3, 1); },  // one keyserver pin left
        [](auto& m) { m.set_wipe_quorum(1); },
        [](auto& m) { m.set_wipe_quorum(17); },
        [](auto& m) { m.set_root_set_version(0); },
        [](auto& m) { m.set_root_set_version(2); },
        [](auto& m) { m.set_lowest_protocol(0); },
        [](auto& m) { m.set_not_after_s(~0ULL); },
    };
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto message = parsed<wire::TrustList>(good);
        breaks[i](message);
        EXPECT_EQ(believed(serialised(message)).error(), Errc::malformed) << i;
    }
    auto torn = good;
    torn.push_back(0x0A);
    EXPECT_EQ(believed(torn).error(), Errc::malformed);
}

TEST_F(Refusals, a_right_is_named_as_the_list_names_it_and_no_other_way) {
    for (const auto right :
         {Right::enrol, Right::directory, Right::leaders, Right::revoke, Right::wipe, Right::helpdesk}) {
        EXPECT_EQ(parse_right(name_of(right)).value(), right);
    }
    for (const auto* name : {"", "Enrol", "enrol ", "root", "unknown_right"})
        EXPECT_EQ(parse_right(name).error(), Errc::bad_argument) << name;
}

TEST_F(Refusals, a_trust_list_holds_as_many_keys_and_pins_as_the_limits_say_and_not_one_more) {
    auto fields = force.fields();
    while (fields.admin_keys.size() < limits::admin_keys)
        fields.admin_keys.push_back({some_key(), {Right::enrol}, KeyState::active, 0});
    while (fields.statement_keys.size() < limits::statement_keys)
        fields.statement_keys.push_back(some_key());
    while (fields.pins.size() < limits::tls_pins)
        fields.pins.push_back({force.random.id<Hash>(), ServerRole::relay});
    EXPECT_TRUE(force.list(fields));
    const std::vector<std::function<void(TrustList::Fields&)>> breaks{
        [&](auto& f) { f.admin_keys.push_back({some_key(), {Right::enrol}, KeyState::active, 0}); },
        [&](auto& f) { f.statement_keys.push_back(some_key()); },
        [&](auto& f) { f.pins.push_back({force.random.id<Hash>(), ServerRole::relay}); },
    };
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto more = fields;
        breaks[i](more);
        EXPECT_EQ(force.list(more).error(), Errc::malformed) << i;
    }
}

TEST_F(Refusals, a_trust_list_of_twelve_kibibytes_is_read_and_one_byte_more_is_not) {
    const auto good = TrustList::encode(force.fields()).value();
    const auto document = [&](std::size_t count) {
        SignedBytes out{padded(good, count), {}};
        sign(out, Context::trust_list, force.root);
        return out;
    };
    const auto fitting = 1000 + limits::trust_list_bytes - document(1000).encode().size();
    ASSERT_EQ(document(fitting).encode().size(), limits::trust_list_bytes);
    EXPECT_TRUE(TrustList::verify(document(fitting), force.roots));
    EXPECT_EQ(TrustList::verify(document(fitting + 1), force.roots).error(), Errc::too_large);
}

TEST_F(Refusals, the_same_fields_in_other_bytes_are_another_list) {
    const auto good = TrustList::encode(force.fields()).value();
    const auto same = believed(good), other = believed(padded(good, 200));
    ASSERT_TRUE(same && other);
    EXPECT_TRUE(same->may_follow(force.trust));
    EXPECT_EQ(other->may_follow(force.trust).error(), Errc::trust_list_conflict);
}

TEST_F(Refusals, a_trust_list_expires_after_its_last_moment_and_is_in_grace_for_thirty_days) {
    const auto end = force.trust.fields().not_after;
    const auto moment = Millis(1);
    const auto grace = std::chrono::hours(24 * 30);
    EXPECT_FALSE(force.trust.expired(end));
    EXPECT_FALSE(force.trust.in_grace(end));
    EXPECT_TRUE(force.trust.expired(end + moment));
    EXPECT_TRUE(force.trust.in_grace(end + moment));
    EXPECT_TRUE(force.trust.in_grace(end + grace));
    EXPECT_FALSE(force.trust.in_grace(end + grace + moment));
}

struct OrderRefusals : Refusals {
    OrderBook book;
    Order order(OrderKind kind) {
        Order out;
        out.kind = kind;
        out.target = force.random.id<EnrolmentId>();
        out.issued_at = force.now;
        if (kind == OrderKind::appoint) out.detail = to_bytes(view("an officer's new device"));
        return out;
    }
    bool counts(const Order& o, const TrustList& trust, std::initializer_list<const Ed25519Seed*> signers) {
        return book.apply(force.entry(book.size(), force.order(o, signers)), trust).has_value();
    }
};

TEST_F(OrderRefusals, an_order_breaking_any_rule_of_its_shape_is_refused) {
    const auto good = order(OrderKind::revoke).encode();
    ASSERT_TRUE(Order::parse(good));
    const std::vector<std::function<void(wire::Order&)>> breaks{
        [](auto& m) { m.set_kind(static_cast<wire::OrderKind>(0)); },
        [](auto& m) { m.set_kind(static_cast<wire::OrderKind>(7)); },
        [](auto& m) { m.mutable_target()->pop_back(); },
        [](auto& m) { m.set_counter(0), m.set_previous_sha256(std::string(32, 'h')); },
        [](auto& m) { m.set_counter(2); },
        [](auto& m) { m.set_previous_sha256(std::string(32, 'h')); },
        [](auto& m) { m.set_counter(2), m.set_previous_sha256(std::string(31, 'h')); },
        [](auto& m) { m.mutable_reason_sha256()->pop_back(); },
        [](auto& m) { m.set_detail("a revoke has none"); },
        [](auto& m) { m.set_kind(static_cast<wire::OrderKind>(3)); },  // a supersede has a detail
        [](auto& m) { m.set_kind(static_cast<wire::OrderKind>(5)); },  // and an appoint
        [](auto& m) { m.set_kind(static_cast<wire::OrderKind>(4)), m.set_detail("a wipe has none"); },
    };
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto message = parsed<wire::Order>(good);
        breaks[i](message);
        EXPECT_EQ(Order::parse(serialised(message)).error(), Errc::malformed) << i;
    }
    auto appoint = order(OrderKind::appoint);
    appoint.detail.assign(limits::order_detail_bytes, Byte{1});
    EXPECT_TRUE(Order::parse(appoint.encode()));
    appoint.detail.push_back(1);
    EXPECT_EQ(Order::parse(appoint.encode()).error(), Errc::too_large);
}

TEST_F(OrderRefusals, wipe_and_appoint_take_the_lists_wipe_quorum_and_change_no_standing) {
    auto fields = force.fields();
    fields.admin_keys.push_back({some_key(), {Right::wipe}, KeyState::active, 0});
    fields.wipe_quorum = 3;
    const auto of_three = force.list(fields).value();
    fields.wipe_quorum = 2;
    fields.admin_keys[1].rights = {Right::revoke, Right::enrol, Right::directory, Right::leaders};
    const auto deputy_may_not = force.list(fields).value();
    for (const auto kind : {OrderKind::wipe, OrderKind::appoint}) {
        const auto o = order(kind);
        EXPECT_FALSE(counts(o, force.trust, {&force.chief}));
        EXPECT_FALSE(counts(o, force.trust, {&force.chief, &force.clerk}));
        EXPECT_FALSE(counts(o, of_three, {&force.chief, &force.deputy}));
        EXPECT_FALSE(counts(o, deputy_may_not, {&force.chief, &force.deputy}));
        EXPECT_TRUE(counts(o, force.trust, {&force.chief, &force.deputy}));
        EXPECT_EQ(book.standing(o.target), DeviceStanding::active);
        EXPECT_EQ(book.state(o.target).counter, 1U);
    }
}

TEST_F(OrderRefusals, an_entry_too_large_torn_empty_or_of_no_kind_is_refused) {
    const auto good = force.entry(0, force.order(order(OrderKind::revoke), {&force.chief}));
    const auto refused = [&](const Bytes& entry) {
        const auto result = book.apply(entry, force.trust);
        return result.has_error() && result.error() == Errc::log_invalid && book.size() == 0;
    };
    auto torn = good;
    torn.push_back(0x0A);
    EXPECT_TRUE(refused(torn));
    EXPECT_TRUE(refused(padded(good, 16383)));
    wire::LogEntry nothing;
    EXPECT_TRUE(refused(serialised(nothing)));
    nothing.mutable_order();
    EXPECT_TRUE(refused(serialised(nothing)));
    wire::LogEntry list;
    list.mutable_trust_list()->set_sha256(std::string(32, 'h'));
    EXPECT_TRUE(refused(serialised(list))) << "version 0";
    list.mutable_trust_list()->set_version(1);
    list.mutable_trust_list()->set_sha256(std::string(31, 'h'));
    EXPECT_TRUE(refused(serialised(list)));
    auto order_torn = order(OrderKind::revoke).encode();
    order_torn.push_back(0x0A);
    EXPECT_EQ(Order::parse(order_torn).error(), Errc::malformed);
    EXPECT_TRUE(book.apply(padded(good, 200), force.trust).has_value());
}

TEST_F(OrderRefusals, a_superseding_grant_follows_the_superseding_one_before) {
    const auto phone = force.phone();
    auto first = order(OrderKind::supersede);
    first.target = phone.grant.enrolment_id;
    auto grant = phone.grant;
    grant.version = 3;
    const auto detail_of = [&](const Grant& g) { return force.sign_grant(g, {&force.chief}).encode(); };
    first.detail = detail_of(grant);
    ASSERT_TRUE(counts(first, force.trust, {&force.chief}));
    auto second = first;
    second.counter = 2;
    second.previous = book.state(first.target).last_order;
    const std::vector<std::function<void(Grant&)>> breaks{
        [](auto& g) { g.version = 3; },
        [](auto& g) { g.version = 2; },
        [&](auto& g) { g.officer_id = force.random.id<OfficerId>(); },
        [](auto& g) { g.app = "scanner"; },
        [&](auto& g) { g.enrolment_key = some_key(); },
    };
    grant.version = 4;
    for (std::size_t i = 0; i < breaks.size(); ++i) {
        auto broken = grant;
        breaks[i](broken);
        second.detail = detail_of(broken);
        EXPECT_FALSE(counts(second, force.trust, {&force.chief})) << i;
    }
    second.detail = detail_of(grant);
    EXPECT_TRUE(counts(second, force.trust, {&force.chief}));
}

TEST_F(OrderRefusals, a_renewed_grant_that_replaces_still_needs_the_signature_that_revokes) {
    const auto phone = force.phone({force.random.id<EnrolmentId>()});
    auto renewed = phone.grant;
    renewed.version = 2;
    const auto entry = [&](std::initializer_list<const Ed25519Seed*> signers) {
        wire::LogEntry out;
        *out.mutable_replacing() = phone.credential();
        *out.mutable_replacing()->mutable_grant() = force.sign_grant(renewed, signers).to_wire();
        out.mutable_replacing()->set_first_grant_sha256(phone.signed_grant.body_hash().string());
        return serialised(out);
    };
    EXPECT_EQ(book.apply(entry({&force.issuer}), force.trust).error(), Errc::log_invalid);
    EXPECT_TRUE(book.apply(entry({&force.issuer, &force.deputy}), force.trust).has_value());
}

}  // namespace
}  // namespace melder
