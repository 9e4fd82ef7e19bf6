#include "core/order_draft.hpp"

#include <gtest/gtest.h>

#include "tests/core/police_force.hpp"

namespace melder {
namespace {

struct OrderLog : ::testing::Test {
    testing::PoliceForce force;
    OrderBook book;
    EnrolmentId target = force.random.id<EnrolmentId>();

    Order next(OrderKind kind) {
        const auto& state = book.state(target);
        Order order;
        order.kind = kind;
        order.target = target;
        order.counter = state.counter + 1;
        order.previous = state.last_order;
        order.issued_at = force.now;
        return order;
    }
    Result<OrderBook::Effect> apply(const SignedBytes& order) {
        return book.apply(force.entry(book.size(), order), force.trust);
    }
    /// A later list in which the chief's key has this state.
    TrustList with_chief(KeyState state, std::uint64_t retired_at = 0) {
        auto fields = force.fields();
        fields.version = 2;
        fields.admin_keys[0].state = state;
        fields.admin_keys[0].retired_at_log_size = retired_at;
        return force.list(fields).value();
    }
    /// The log as it was written, read under another list.
    Result<OrderBook> read_under(const TrustList& trust, std::uint64_t& ignored) {
        OrderBook out;
        for (const auto& entry : written) {
            MELDER_TRY(const auto effect, out.apply(entry, trust));
            if (effect == OrderBook::Effect::ignored) ++ignored;
        }
        return out;
    }
    void write(const SignedBytes& order) {
        written.push_back(force.entry(book.size(), order));
        ASSERT_EQ(book.apply(written.back(), force.trust).value(), OrderBook::Effect::applied);
    }
    std::vector<Bytes> written;
    void expect_refused(const SignedBytes& order) {
        const auto before = book.encode();
        EXPECT_EQ(apply(order).error(), Errc::log_invalid);
        EXPECT_EQ(book.encode(), before) << "a refused entry changed the book";
    }
};

TEST_F(OrderLog, a_device_is_suspended_revoked_and_restored) {
    ASSERT_TRUE(apply(force.order(next(OrderKind::suspend), {&force.chief})));
    EXPECT_EQ(book.standing(target), DeviceStanding::suspended);
    ASSERT_TRUE(apply(force.order(next(OrderKind::revoke), {&force.chief})));
    EXPECT_EQ(book.standing(target), DeviceStanding::revoked);
    ASSERT_TRUE(apply(force.order(next(OrderKind::restore), {&force.chief, &force.deputy})));
    EXPECT_EQ(book.standing(target), DeviceStanding::active);
    EXPECT_EQ(book.size(), 3U);
    EXPECT_EQ(book.head_at(3), book.head());
    EXPECT_EQ(book.head_at(0), Hash());
    EXPECT_EQ(book.head_at(4), std::nullopt);
}
TEST_F(OrderLog, each_order_needs_its_right_and_its_quorum) {
    expect_refused(force.order(next(OrderKind::revoke), {}));
    expect_refused(force.order(next(OrderKind::revoke), {&force.clerk}));
    expect_refused(force.order(next(OrderKind::suspend), {&force.issuer}));
    expect_refused(force.order(next(OrderKind::restore), {&force.chief}));
    expect_refused(force.order(next(OrderKind::wipe), {&force.chief}));
    EXPECT_TRUE(apply(force.order(next(OrderKind::wipe), {&force.chief, &force.deputy})));
}
TEST_F(OrderLog, an_order_cannot_be_replayed_skipped_or_moved) {
    const auto first = force.order(next(OrderKind::revoke), {&force.chief});
    ASSERT_TRUE(apply(first));
    expect_refused(first);
    auto skipping = next(OrderKind::suspend);
    skipping.counter = 3;
    expect_refused(force.order(skipping, {&force.chief}));
    auto other_past = next(OrderKind::suspend);
    other_past.previous = Hash();
    expect_refused(force.order(other_past, {&force.chief}));
    EXPECT_EQ(book.apply(force.entry(0, force.order(next(OrderKind::suspend), {&force.chief})), force.trust).error(),
              Errc::log_invalid);
}
TEST_F(OrderLog, a_check_of_a_proposed_order_says_the_same_and_changes_nothing) {
    EXPECT_TRUE(book.check_order(force.order(next(OrderKind::revoke), {&force.chief}), force.trust));
    EXPECT_EQ(book.check_order(force.order(next(OrderKind::wipe), {&force.chief}), force.trust).error(),
              Errc::needs_more_signatures);
    EXPECT_EQ(book.size(), 0U);
}
TEST_F(OrderLog, a_supersede_carries_a_later_grant_of_its_target) {
    const auto phone = force.phone();
    target = phone.grant.enrolment_id;
    auto grant = phone.grant;
    grant.version = 2;
    grant.unit = UnitPath::parse("LKA/K6").value();
    auto order = next(OrderKind::supersede);
    order.detail = force.sign_grant(grant, {&force.clerk}).encode();
    expect_refused(force.order(order, {}));
    auto first = order;
    first.detail = phone.signed_grant.encode();
    expect_refused(force.order(first, {&force.clerk}));
    auto forged = order;
    forged.detail = force.sign_grant(grant, {&force.root}).encode();
    expect_refused(force.order(forged, {&force.clerk}));
    auto elsewhere = order;
    elsewhere.target = force.random.id<EnrolmentId>();
    expect_refused(force.order(elsewhere, {&force.clerk}));
    ASSERT_TRUE(apply(force.order(order, {&force.clerk})));
    EXPECT_TRUE(book.state(target).superseding_grant);
    EXPECT_EQ(book.standing(target), DeviceStanding::active);
}
TEST_F(OrderLog, a_replacing_binding_replaces_the_devices_its_grant_names_and_needs_the_revoking_signature) {
    const auto replacing = force.phone({target});
    wire::LogEntry entry;
    entry.set_index(0);
    *entry.mutable_replacing() = replacing.credential();
    ASSERT_TRUE(book.apply(view(entry.SerializeAsString()), force.trust));
    EXPECT_EQ(book.standing(target), DeviceStanding::replaced);
    EXPECT_EQ(book.state(target).replaced_by, replacing.grant.enrolment_id);
    expect_refused(force.order(next(OrderKind::restore), {&force.chief, &force.deputy}));

    wire::LogEntry nothing;
    nothing.set_index(1);
    *nothing.mutable_replacing() = force.phone().credential();
    EXPECT_EQ(book.apply(view(nothing.SerializeAsString()), force.trust).error(), Errc::log_invalid);
    auto unsigned_revoke = force.phone({force.random.id<EnrolmentId>()});
    unsigned_revoke.signed_grant = force.sign_grant(unsigned_revoke.grant, {&force.issuer});
    force.bind(unsigned_revoke, force.now);
    *nothing.mutable_replacing() = unsigned_revoke.credential();
    EXPECT_EQ(book.apply(view(nothing.SerializeAsString()), force.trust).error(), Errc::log_invalid);
}
TEST_F(OrderLog, what_a_distrusted_key_signed_keeps_its_place_and_means_nothing) {
    write(force.order(next(OrderKind::revoke), {&force.chief}));
    write(force.order(next(OrderKind::suspend), {&force.deputy}));  // names the order before
    const auto revoked = target;
    target = force.random.id<EnrolmentId>();
    write(force.order(next(OrderKind::revoke), {&force.deputy}));
    write(force.order(next(OrderKind::restore), {&force.deputy, &force.chief}));
    std::uint64_t ignored = 0;
    const auto later = read_under(with_chief(KeyState::distrusted), ignored);
    ASSERT_TRUE(later) << later.error();
    EXPECT_EQ(ignored, 2U);
    EXPECT_EQ(later->head(), book.head());
    EXPECT_EQ(later->standing(revoked), DeviceStanding::suspended) << "only the honest key's order counts";
    EXPECT_EQ(later->standing(target), DeviceStanding::revoked) << "half a quorum restores nothing";
    EXPECT_EQ(later->state(revoked).counter, 2U);
}
TEST_F(OrderLog, a_distrusted_key_orders_nothing_new_and_makes_no_forgery_valid) {
    const auto trust = with_chief(KeyState::distrusted);
    EXPECT_TRUE(book.check_order(force.order(next(OrderKind::revoke), {&force.chief}), trust).has_error());
    EXPECT_EQ(book.apply(force.entry(0, force.order(next(OrderKind::revoke), {&force.clerk})), trust).error(),
              Errc::log_invalid);
    auto forged = force.order(next(OrderKind::revoke), {&force.chief});
    forged.signatures[0].signature[0] ^= 1;
    EXPECT_EQ(book.apply(force.entry(0, forged), trust).error(), Errc::log_invalid);
}
TEST_F(OrderLog, a_retired_key_counts_for_what_it_signed_before) {
    write(force.order(next(OrderKind::revoke), {&force.chief}));
    std::uint64_t ignored = 0;
    const auto later = read_under(with_chief(KeyState::retired, 1), ignored);
    ASSERT_TRUE(later);
    EXPECT_EQ(later->standing(target), DeviceStanding::revoked);
    EXPECT_EQ(ignored, 0U);
    EXPECT_EQ(read_under(with_chief(KeyState::retired, 0), ignored).error(), Errc::log_invalid);
}
TEST_F(OrderLog, a_replacement_by_a_distrusted_key_replaces_nobody) {
    wire::LogEntry entry;
    *entry.mutable_replacing() = force.phone({target}).credential();
    EXPECT_EQ(book.apply(view(entry.SerializeAsString()), with_chief(KeyState::distrusted)).value(),
              OrderBook::Effect::ignored);
    EXPECT_EQ(book.standing(target), DeviceStanding::active);
    EXPECT_EQ(book.size(), 1U);
}
TEST_F(OrderLog, an_entry_about_a_newer_list_asks_for_that_list_first) {
    wire::LogEntry entry;
    entry.mutable_trust_list()->set_version(2);
    entry.mutable_trust_list()->set_sha256(Hash().string());
    EXPECT_EQ(book.apply(view(entry.SerializeAsString()), force.trust).error(), Errc::trust_list_too_old);
    EXPECT_EQ(book.size(), 0U);
    EXPECT_TRUE(book.apply(view(entry.SerializeAsString()), with_chief(KeyState::active)));
}
TEST_F(OrderLog, lists_judge_alike_as_long_as_no_key_changes) {
    auto fields = force.fields();
    fields.version = 2;
    fields.admin_keys.push_back({ed25519_public_of(force.root), {Right::enrol}, KeyState::active, 0});
    EXPECT_TRUE(force.list(fields)->judges_like(force.trust));
    EXPECT_FALSE(with_chief(KeyState::distrusted).judges_like(force.trust));
    EXPECT_FALSE(with_chief(KeyState::retired, 7).judges_like(force.trust));
    fields.admin_keys.erase(fields.admin_keys.begin());
    EXPECT_FALSE(force.list(fields)->judges_like(force.trust));
}
TEST_F(OrderLog, a_draft_is_another_books_until_it_is_taken_over) {
    ASSERT_TRUE(apply(force.order(next(OrderKind::suspend), {&force.chief})));
    const auto head = book.head();
    OrderDraft draft(book);
    const auto checked = draft.check_order(force.order(next(OrderKind::revoke), {&force.chief}), force.trust);
    ASSERT_TRUE(checked);
    const auto entry = draft.place(*checked, force.now);
    ASSERT_TRUE(entry);
    EXPECT_EQ(draft.standing(target), DeviceStanding::revoked);
    EXPECT_EQ(draft.size(), 2U);
    EXPECT_EQ(book.standing(target), DeviceStanding::suspended);
    EXPECT_EQ(book.head(), head);
    auto reader = book;
    ASSERT_TRUE(reader.apply(*entry, force.trust)) << "whoever reads the entry comes to the same";
    book.absorb(std::move(draft));
    EXPECT_EQ(book.encode(), reader.encode());
}
TEST_F(OrderLog, a_checked_order_is_placed_on_the_state_it_was_checked_against_only) {
    const auto checked = book.check_order(force.order(next(OrderKind::suspend), {&force.chief}), force.trust);
    ASSERT_TRUE(checked);
    ASSERT_TRUE(apply(force.order(next(OrderKind::suspend), {&force.chief})));
    OrderDraft draft(book);
    EXPECT_EQ(draft.place(*checked, force.now).error(), Errc::log_invalid);
    EXPECT_EQ(draft.size(), 1U);
    EXPECT_EQ(draft.head(), book.head());
}
TEST_F(OrderLog, a_draft_on_top_of_a_book_that_grew_is_a_mistake_of_the_program) {
    OrderDraft draft(book);
    ASSERT_TRUE(apply(force.order(next(OrderKind::suspend), {&force.chief})));
    EXPECT_THROW(book.absorb(std::move(draft)), std::logic_error);
}
TEST_F(OrderLog, a_list_that_remembers_judges_as_one_that_does_not) {
    const auto trust = force.trust.remembering();
    const auto good = force.order(next(OrderKind::revoke), {&force.chief});
    EXPECT_TRUE(book.check_order(good, trust));
    EXPECT_TRUE(book.check_order(good, trust));
    auto forged = good;
    forged.signatures[0].signature[0] ^= 1;
    EXPECT_TRUE(book.check_order(forged, trust).has_error());
    forged = good;
    forged.body.back() ^= 1;
    EXPECT_TRUE(book.check_order(forged, trust).has_error());
    forged = good;
    forged.signatures[0].key_id = key_id_of(ed25519_public_of(force.clerk));
    EXPECT_TRUE(book.check_order(forged, trust).has_error());
}
TEST_F(OrderLog, a_book_survives_encoding_and_a_cut_or_longer_one_is_refused) {
    ASSERT_TRUE(apply(force.order(next(OrderKind::revoke), {&force.chief})));
    const auto encoded = book.encode();
    const auto read = OrderBook::decode(encoded);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->encode(), encoded);
    EXPECT_EQ(read->head(), book.head());
    for (std::size_t size = 0; size < encoded.size(); ++size) {
        EXPECT_TRUE(OrderBook::decode(BytesView(encoded).first(size)).has_error()) << size;
    }
    auto longer = encoded;
    longer.push_back(0);
    EXPECT_TRUE(OrderBook::decode(longer).has_error());
}
TEST_F(OrderLog, statements_with_one_size_and_two_heads_contradict) {
    Statement a{force.now, 1, 5, sha256(view("a")), std::nullopt, {}};
    auto b = a;
    EXPECT_FALSE(contradict(a, b));
    b.log_head = sha256(view("b"));
    EXPECT_TRUE(contradict(a, b));
    b.log_size = 6;
    EXPECT_FALSE(contradict(a, b));
    EXPECT_TRUE(Statement::verify(sign_statement(a, force.statements), force.trust));
    EXPECT_EQ(Statement::verify(sign_statement(a, force.chief), force.trust).error(), Errc::unknown_signer);
}

}  // namespace
}  // namespace melder
