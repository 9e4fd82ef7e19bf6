#include "sdk/trust/trust_state.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "sdk/trust/head_policy.hpp"
#include "tests/core/police_force.hpp"

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;
using Nonce = ByteArray<16>;

TEST(HeadPolicy, warns_from_twelve_hours_and_refuses_all_but_urgent_from_twenty_four) {
    const UnixTime t{1'800'000'000'000};
    EXPECT_FALSE(judge_head(t, t + 12h - 1ms, Lane::normal).value().warn);
    EXPECT_TRUE(judge_head(t, t + 12h, Lane::normal).value().warn);
    EXPECT_FALSE(judge_head(t, t + 24h - 1ms, Lane::urgent).value().flag_as_stale);
    for (const auto lane : {Lane::normal, Lane::receipt, Lane::keys, Lane::transient}) {
        EXPECT_EQ(judge_head(t, t + 24h, lane).error(), Errc::head_stale);
    }
    const auto urgent = judge_head(t, t + 24h, Lane::urgent).value();
    EXPECT_TRUE(urgent.warn);
    EXPECT_TRUE(urgent.flag_as_stale);
    EXPECT_EQ(judge_head(std::nullopt, t, Lane::normal).error(), Errc::head_stale);
}

struct TrustStateTest : ::testing::Test {
    melder::testing::PoliceForce force;
    TrustState state{force.trust, 0};
    OrderBook log;  // the keyserver's
    std::vector<Bytes> entries;

    void revoke(const EnrolmentId& target) { append(OrderKind::revoke, target, {&force.chief}); }
    void append(OrderKind kind, const EnrolmentId& target, std::initializer_list<const Ed25519Seed*> signers) {
        Order order;
        order.kind = kind;
        order.target = target;
        order.counter = log.state(target).counter + 1;
        order.previous = log.state(target).last_order;
        order.issued_at = force.now;
        entries.push_back(force.entry(log.size(), force.order(order, signers)));
        ASSERT_TRUE(log.apply(entries.back(), force.trust));
    }
    Statement statement(UnixTime time) {
        Statement out;
        out.time = time;
        out.trust_list_version = 1;
        out.log_size = log.size();
        out.log_head = log.head();
        return out;
    }
    SignedBytes sign(const Statement& s) { return sign_statement(s, force.statements); }
    Result<TrustState::StatementOutcome> tell(const Statement& s) { return state.on_statement(sign(s), std::nullopt); }
    Result<TrustState::StatementOutcome> tell_fresh(UnixTime time) {
        auto s = statement(time);
        s.client_nonce = Nonce{1};
        return state.on_statement(sign(s), s.client_nonce);
    }
    Result<bool> page() { return state.on_log_page(std::span(entries).subspan(state.next_log_index())); }
    Credential credential(const melder::testing::PoliceForce::Phone& phone) {
        return Credential::verify(phone.credential(), force.trust).value();
    }
};

TEST_F(TrustStateTest, a_lower_list_is_refused_an_equal_one_must_be_identical_a_higher_one_follows) {
    auto fields = force.fields();
    EXPECT_FALSE(state.accept_list(force.list(fields).value()).value());
    fields.longest_lease_s = 3600;
    EXPECT_EQ(state.accept_list(force.list(fields).value()).error(), Errc::trust_list_conflict);
    fields.version = 3;
    EXPECT_TRUE(state.accept_list(force.list(fields).value()).value());
    EXPECT_EQ(state.floor(), 3U);
    fields.version = 2;
    EXPECT_EQ(state.accept_list(force.list(fields).value()).error(), Errc::trust_list_too_old);
    EXPECT_EQ(state.list().version(), 3U);
}

TEST_F(TrustStateTest, a_floor_raised_by_a_grant_or_code_refuses_lists_below_it) {
    state.raise_floor(5);
    EXPECT_TRUE(state.needs_list());
    auto fields = force.fields();
    fields.version = 4;
    EXPECT_EQ(state.accept_list(force.list(fields).value()).error(), Errc::trust_list_too_old);
    fields.version = 5;
    EXPECT_TRUE(state.accept_list(force.list(fields).value()).value());
    EXPECT_FALSE(state.needs_list());
    state.raise_floor(2);
    EXPECT_EQ(state.floor(), 5U);
}

TEST_F(TrustStateTest, a_statement_that_names_a_newer_list_asks_for_it_and_raises_no_floor) {
    auto s = statement(force.now);
    s.trust_list_version = 9;
    EXPECT_TRUE(tell(s).value().needs_list);
    EXPECT_EQ(state.floor(), 1U);
}

TEST_F(TrustStateTest, a_statement_by_nobody_known_has_no_effect) {
    revoke(force.random.id<EnrolmentId>());
    const auto before = state.save();
    EXPECT_TRUE(state.on_statement(sign_statement(statement(force.now), force.chief), std::nullopt).has_error());
    auto tampered = sign(statement(force.now));
    tampered.body.back() ^= 1;
    EXPECT_TRUE(state.on_statement(tampered, std::nullopt).has_error());
    EXPECT_EQ(state.save(), before);
}

TEST_F(TrustStateTest, only_a_statement_over_the_own_nonce_is_fresh_and_confirms_the_head) {
    auto s = statement(force.now);
    s.client_nonce = Nonce{1};
    EXPECT_FALSE(state.on_statement(sign(s), std::nullopt).value().fresh);
    EXPECT_FALSE(state.on_statement(sign(s), Nonce{2}).value().fresh);
    EXPECT_FALSE(state.on_statement(sign(statement(force.now)), Nonce{}).value().fresh);
    EXPECT_FALSE(state.confirmed());
    EXPECT_TRUE(state.on_statement(sign(s), Nonce{1}).value().fresh);
    EXPECT_EQ(state.confirmed(), force.now);
}

TEST_F(TrustStateTest, a_newer_head_asks_for_the_log_and_is_confirmed_only_when_the_book_stands_there) {
    revoke(force.random.id<EnrolmentId>());
    EXPECT_TRUE(tell_fresh(force.now).value().needs_log);
    EXPECT_FALSE(state.confirmed());
    EXPECT_TRUE(page().value());
    EXPECT_EQ(state.confirmed(), force.now);
    EXPECT_EQ(state.book().head(), log.head());
    EXPECT_FALSE(tell_fresh(force.now + 1h).value().needs_log);
    EXPECT_EQ(state.confirmed(), force.now + 1h);
    ASSERT_TRUE(tell_fresh(force.now));
    EXPECT_EQ(state.confirmed(), force.now + 1h) << "a confirmation went back";
}

TEST_F(TrustStateTest, entries_count_only_when_the_stated_head_is_reached) {
    const auto first = force.random.id<EnrolmentId>();
    revoke(first);
    revoke(force.random.id<EnrolmentId>());
    EXPECT_EQ(state.on_log_page(entries).error(), Errc::out_of_order) << "nobody has stated anything yet";
    ASSERT_TRUE(tell_fresh(force.now));
    EXPECT_FALSE(state.on_log_page(std::span(entries).first(1)).value());
    EXPECT_EQ(state.book().size(), 0U);
    EXPECT_EQ(state.next_log_index(), 1U);
    EXPECT_TRUE(page().value());
    EXPECT_EQ(state.book().standing(first), DeviceStanding::revoked);
}

TEST_F(TrustStateTest, an_invalid_entry_drops_the_page_and_changes_nothing) {
    revoke(force.random.id<EnrolmentId>());
    ASSERT_TRUE(tell_fresh(force.now));
    const auto before = state.save();
    auto forged = entries;
    forged[0].back() ^= 1;
    EXPECT_EQ(state.on_log_page(forged).error(), Errc::log_invalid);
    EXPECT_EQ(state.save(), before);
    EXPECT_TRUE(page().value());
}

TEST_F(TrustStateTest, valid_entries_that_lead_to_another_head_are_a_fork) {
    revoke(force.random.id<EnrolmentId>());
    ASSERT_TRUE(tell_fresh(force.now));
    log = {};
    entries.clear();
    revoke(force.random.id<EnrolmentId>());
    EXPECT_EQ(page().error(), Errc::log_fork);
    EXPECT_EQ(state.book().size(), 0U);
    EXPECT_TRUE(state.fork());
}

TEST_F(TrustStateTest, two_statements_that_contradict_are_a_fork_and_both_are_kept) {
    const auto honest = sign(statement(force.now));
    revoke(force.random.id<EnrolmentId>());
    const auto one = sign(statement(force.now));
    ASSERT_TRUE(state.on_statement(one, std::nullopt));
    log = {};
    revoke(force.random.id<EnrolmentId>());
    const auto other = sign(statement(force.now + 1h));
    EXPECT_EQ(state.on_statement(other, std::nullopt).error(), Errc::log_fork);
    ASSERT_TRUE(state.fork());
    EXPECT_EQ(state.fork()->first.body, one.body);
    EXPECT_EQ(state.fork()->second.body, other.body);
    // Kept over a restart; an older but true statement is none.
    auto restored = TrustState::restore(state.save(), force.trust).value();
    EXPECT_EQ(restored.fork()->second.body, other.body);
    EXPECT_TRUE(restored.on_statement(honest, std::nullopt));
}

TEST_F(TrustStateTest, a_statement_that_contradicts_an_earlier_point_of_our_log_is_a_fork) {
    revoke(force.random.id<EnrolmentId>());
    revoke(force.random.id<EnrolmentId>());
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    auto past = statement(force.now);
    past.log_size = 1;
    past.log_head = sha256(view("another history"));
    EXPECT_EQ(tell(past).error(), Errc::log_fork);
    past.log_head = *log.head_at(1);
    EXPECT_TRUE(tell(past));
}

TEST_F(TrustStateTest, a_new_phone_accepts_no_log_without_the_head_its_grant_names) {
    revoke(force.random.id<EnrolmentId>());
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    auto grant = force.phone().grant;
    grant.log_size = 1;
    grant.log_head = log.head();
    EXPECT_TRUE(state.check_grant_head(grant));
    grant.log_head = Hash();
    EXPECT_EQ(state.check_grant_head(grant).error(), Errc::log_fork);
    grant.log_size = 2;
    EXPECT_EQ(state.check_grant_head(grant).error(), Errc::log_fork);
}

TEST_F(TrustStateTest, a_credential_is_judged_at_the_time_of_sending_within_a_window) {
    const auto phone = credential(force.phone());
    const Millis ttl = 14 * 24h;
    const UnixTime now = force.now + 20 * 24h;
    EXPECT_TRUE(state.judge_credential(phone, now + 5min, now, ttl));
    EXPECT_EQ(state.judge_credential(phone, now + 5min + 1ms, now, ttl).error(), Errc::sent_at_implausible);
    EXPECT_TRUE(state.judge_credential(phone, now - ttl - 1h, now, ttl));
    EXPECT_EQ(state.judge_credential(phone, now - ttl - 1h - 1ms, now, ttl).error(), Errc::sent_at_implausible);
    // Valid when it was sent, expired when it was received: fine. Sent after its end: not.
    const UnixTime end = phone.grant().not_after;
    EXPECT_TRUE(state.judge_credential(phone, end, end + 1h, ttl));
    EXPECT_EQ(state.judge_credential(phone, end + 1ms, end + 1h, ttl).error(), Errc::credential_expired);
    EXPECT_EQ(state.judge_recipient(phone, end + 1ms).error(), Errc::credential_expired);
    EXPECT_TRUE(state.judge_recipient(phone, end));
}

TEST_F(TrustStateTest, a_revocation_counts_at_receipt_whatever_the_time_of_sending) {
    const auto phone = credential(force.phone());
    EXPECT_TRUE(state.judge_credential(phone, force.now, force.now, 24h));
    append(OrderKind::suspend, phone.device(), {&force.chief});
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    EXPECT_EQ(state.judge_credential(phone, force.now, force.now, 24h).error(), Errc::device_revoked);
    EXPECT_EQ(state.judge_recipient(phone, force.now).error(), Errc::device_revoked);
    append(OrderKind::restore, phone.device(), {&force.chief, &force.deputy});
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    EXPECT_TRUE(state.judge_recipient(phone, force.now));
}

TEST_F(TrustStateTest, a_replaced_device_is_told_apart_from_a_revoked_one) {
    const auto old = credential(force.phone());
    auto next = force.phone({old.device()});
    wire::LogEntry e;
    *e.mutable_replacing() = next.credential();
    entries.push_back(to_bytes(view(e.SerializeAsString())));
    ASSERT_TRUE(log.apply(entries.back(), force.trust));
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    EXPECT_EQ(state.judge_credential(old, force.now, force.now, 24h).error(), Errc::device_replaced);
    EXPECT_TRUE(state.judge_recipient(credential(next), force.now));
}

TEST_F(TrustStateTest, a_superseded_version_still_proves_identity_but_its_roles_are_the_newest_ones) {
    auto phone = force.phone();
    const auto old = credential(phone);
    Grant demoted = phone.grant;
    demoted.version = 2;
    demoted.unit = UnitPath::parse("LKA/K6").value();
    Order order;
    order.kind = OrderKind::supersede;
    order.target = old.device();
    order.issued_at = force.now;
    order.detail = force.sign_grant(demoted, {&force.chief}).encode();
    entries.push_back(force.entry(0, force.order(order, {&force.chief})));
    ASSERT_TRUE(log.apply(entries.back(), force.trust));
    EXPECT_EQ(state.newest_grant(old).unit.string(), "LKA/K5");
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    EXPECT_TRUE(state.judge_credential(old, force.now, force.now, 24h));
    EXPECT_EQ(state.newest_grant(old).unit.string(), "LKA/K6");
}

TEST_F(TrustStateTest, a_list_that_distrusts_a_key_lets_the_log_be_read_again_and_confirms_nothing_until_then) {
    const auto phone = credential(force.phone());
    revoke(phone.device());
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    auto fields = force.fields();
    fields.version = 2;
    fields.admin_keys[0].state = KeyState::distrusted;
    ASSERT_TRUE(state.accept_list(force.list(fields).value()).value());
    EXPECT_TRUE(state.log_is_behind());
    EXPECT_EQ(state.confirmed(), std::nullopt);
    EXPECT_EQ(state.book().standing(phone.device()), DeviceStanding::revoked) << "in force until the log was read";
    EXPECT_EQ(TrustState::restore(state.save(), force.list(fields).value())->next_log_index(), 0U);
    ASSERT_EQ(state.next_log_index(), 0U);
    ASSERT_TRUE(page().value());
    EXPECT_FALSE(state.log_is_behind());
    EXPECT_EQ(state.confirmed(), force.now);
    EXPECT_EQ(state.book().standing(phone.device()), DeviceStanding::active);
}

TEST_F(TrustStateTest, everything_survives_the_vault) {
    const auto phone = force.random.id<EnrolmentId>();
    revoke(phone);
    ASSERT_TRUE(tell_fresh(force.now));
    ASSERT_TRUE(page().value());
    state.raise_floor(4);
    auto restored = TrustState::restore(state.save(), force.trust).value();
    EXPECT_EQ(restored.floor(), 4U);
    EXPECT_EQ(restored.confirmed(), force.now);
    EXPECT_EQ(restored.book().standing(phone), DeviceStanding::revoked);
    EXPECT_EQ(restored.newest_statement()->body, state.newest_statement()->body);
    EXPECT_EQ(restored.save(), state.save());
    auto forked = statement(force.now);
    forked.log_head = sha256(view("x"));
    EXPECT_EQ(restored.on_statement(sign(forked), std::nullopt).error(), Errc::log_fork) << "clients never go back";
}

}  // namespace
}  // namespace melder::sdk
