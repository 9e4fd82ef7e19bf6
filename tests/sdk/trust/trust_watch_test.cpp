#include "sdk/trust/trust_watch.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "tests/core/police_force.hpp"

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;
using Concern = TrustWatch::Concern;
using Concerns = std::vector<Concern>;

TEST(TrustWatch, asks_a_new_connection_at_once_and_then_every_half_hour) {
    TrustWatch watch;
    const BootTime t{10'000'000};
    EXPECT_LE(watch.ask_at(false, false), t);
    watch.on_asked(t);
    EXPECT_EQ(watch.ask_at(false, false), t + Millis(limits::statement_refresh));
    watch.on_connected();
    EXPECT_LE(watch.ask_at(false, false), t);
}

TEST(TrustWatch, asks_sooner_for_a_second_opinion_and_soonest_for_a_head_that_nobody_confirms) {
    TrustWatch watch;
    const BootTime t{10'000'000};
    watch.on_asked(t);
    EXPECT_EQ(watch.ask_at(true, false), t + Millis(limits::clock_second_opinion));
    EXPECT_EQ(watch.ask_at(false, true), t + Millis(limits::statement_retry));
    EXPECT_EQ(watch.ask_at(true, true), t + Millis(limits::statement_retry));
}

struct TrustWatchLook : ::testing::Test {
    melder::testing::PoliceForce force;
    TrustState state{force.trust, 0};
    melder::testing::PoliceForce::Phone phone = force.phone();
    Credential own = Credential::verify(phone.credential(), force.trust).value();
    OrderBook log;
    std::vector<Bytes> entries;
    TrustWatch watch;

    void append(OrderKind kind, std::initializer_list<const Ed25519Seed*> signers) {
        Order order;
        order.kind = kind;
        order.target = own.device();
        order.counter = log.state(own.device()).counter + 1;
        order.previous = log.state(own.device()).last_order;
        order.issued_at = force.now;
        entries.push_back(force.entry(log.size(), force.order(order, signers)));
        ASSERT_TRUE(log.apply(entries.back(), force.trust));
    }
    Statement statement(UnixTime time) const {
        Statement out;
        out.time = time;
        out.trust_list_version = 1;
        out.log_size = log.size();
        out.log_head = log.head();
        return out;
    }
    void confirm(UnixTime time) {
        auto s = statement(time);
        s.client_nonce = ByteArray<16>{1};
        ASSERT_TRUE(state.on_statement(sign_statement(s, force.statements), s.client_nonce));
        if (state.log_is_behind()) {
            ASSERT_TRUE(state.on_log_page(std::span(entries).subspan(state.next_log_index())).value());
        }
    }
    Result<HeadJudgement> seal(UnixTime now, Lane lane = Lane::normal) const {
        return judge_sealing(state, own, now, lane);
    }
};

TEST_F(TrustWatchLook, tells_each_concern_once_and_again_when_it_comes_back) {
    confirm(force.now);
    EXPECT_EQ(watch.look(state, own, force.now), Concerns{});
    EXPECT_EQ(watch.look(state, own, force.now + 12h), Concerns{Concern::head_unconfirmed});
    EXPECT_EQ(watch.look(state, own, force.now + 13h), Concerns{});
    confirm(force.now + 13h);
    EXPECT_EQ(watch.look(state, own, force.now + 13h), Concerns{});
    EXPECT_EQ(watch.look(state, own, force.now + 25h), Concerns{Concern::head_unconfirmed});
}

TEST_F(TrustWatchLook, tells_of_the_own_revocation_and_of_the_lists_end) {
    append(OrderKind::suspend, {&force.chief});
    confirm(force.now);
    EXPECT_EQ(watch.look(state, own, force.now), Concerns{Concern::own_device_revoked});
    const auto end = force.trust.fields().not_after + 1ms;
    confirm(end);
    EXPECT_EQ(watch.look(state, own, end), Concerns{Concern::trust_list_expired});
}

TEST_F(TrustWatchLook, nothing_is_sealed_without_a_confirmed_head) {
    EXPECT_EQ(seal(force.now).error(), Errc::head_stale);
    EXPECT_TRUE(seal(force.now, Lane::urgent)->flag_as_stale);
    confirm(force.now);
    EXPECT_TRUE(seal(force.now));
    EXPECT_EQ(seal(force.now + 24h).error(), Errc::head_stale);
}

TEST_F(TrustWatchLook, a_log_that_was_stated_and_is_not_here_makes_a_fresh_confirmation_worthless) {
    confirm(force.now);
    append(OrderKind::suspend, {&force.chief});
    ASSERT_TRUE(state.on_statement(sign_statement(statement(force.now), force.statements), std::nullopt));
    EXPECT_EQ(seal(force.now).error(), Errc::head_stale);
    EXPECT_TRUE(seal(force.now, Lane::urgent)->flag_as_stale);
}

TEST_F(TrustWatchLook, nothing_is_sealed_by_a_device_that_is_out_of_service) {
    append(OrderKind::revoke, {&force.chief});
    confirm(force.now);
    EXPECT_EQ(seal(force.now, Lane::urgent).error(), Errc::device_revoked);
    append(OrderKind::restore, {&force.chief, &force.deputy});
    confirm(force.now);
    EXPECT_TRUE(seal(force.now));
    const auto over = own.grant().not_after + 1ms;
    confirm(over);
    EXPECT_EQ(seal(over).error(), Errc::credential_expired);
}

TEST_F(TrustWatchLook, an_expired_list_seals_for_thirty_days) {
    auto fields = force.fields();
    fields.version = 2;
    fields.not_after = force.now + 24h;
    ASSERT_TRUE(state.accept_list(force.list(fields).value()));
    const auto last = fields.not_after + Millis(limits::trust_list_grace);
    confirm(last);
    EXPECT_TRUE(seal(last));
    EXPECT_EQ(seal(last + 1ms, Lane::urgent).error(), Errc::trust_list_expired);
}

TEST_F(TrustWatchLook, a_fork_ends_all_sealing) {
    confirm(force.now);
    auto other = statement(force.now);
    other.log_head = sha256(view("another history"));
    ASSERT_TRUE(state.on_statement(sign_statement(other, force.statements), std::nullopt).has_error());
    EXPECT_EQ(seal(force.now, Lane::urgent).error(), Errc::log_fork);
    EXPECT_EQ(watch.look(state, own, force.now), Concerns{Concern::log_forked});
}

TEST_F(TrustWatchLook, the_head_that_the_own_grant_names_is_required) {
    append(OrderKind::suspend, {&force.chief});
    append(OrderKind::restore, {&force.chief, &force.deputy});
    state.require_head(1, sha256(view("what the administrator saw")));
    auto s = statement(force.now);
    ASSERT_TRUE(state.on_statement(sign_statement(s, force.statements), std::nullopt));
    EXPECT_EQ(state.on_log_page(entries).error(), Errc::log_fork);
    EXPECT_EQ(state.book().size(), 0U);

    TrustState shorter(force.trust, 0);
    shorter.require_head(3, sha256(view("later than anything here")));
    s.client_nonce = ByteArray<16>{1};
    ASSERT_TRUE(shorter.on_statement(sign_statement(s, force.statements), s.client_nonce));
    ASSERT_TRUE(shorter.on_log_page(entries).value());
    EXPECT_FALSE(shorter.confirmed()) << "a log that ends before what the administrator saw confirms nothing";
}

TEST_F(TrustWatchLook, only_what_is_known_in_every_respect_says_nothing_new) {
    const auto first = sign_statement(statement(force.now), force.statements);
    EXPECT_FALSE(state.says_nothing_new(first));
    ASSERT_TRUE(state.on_statement(first, std::nullopt));
    EXPECT_TRUE(state.says_nothing_new(first));
    EXPECT_FALSE(state.says_nothing_new(sign_statement(statement(force.now + 1ms), force.statements)));
    auto other = statement(force.now);
    other.log_head = sha256(view("another history"));
    EXPECT_FALSE(state.says_nothing_new(sign_statement(other, force.statements)));
    other = statement(force.now);
    other.trust_list_version = 2;
    EXPECT_FALSE(state.says_nothing_new(sign_statement(other, force.statements)));
}

TEST(BootId, differs_by_name_and_is_there_on_this_machine) {
    EXPECT_EQ(boot_id_of("a"), boot_id_of("a"));
    EXPECT_NE(boot_id_of("a"), boot_id_of("b"));
    EXPECT_TRUE(boot_id_of("").is_zero());
    EXPECT_FALSE(read_boot_name().empty());
}

}  // namespace
}  // namespace melder::sdk
