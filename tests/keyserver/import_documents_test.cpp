// Orders and grants of an import: with the units and officers in one commit, or not at all.

#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

class ImportOfDocuments : public PoliceForce {
protected:
    [[nodiscard]] static wire::StageDirectory part() {
        wire::StageDirectory out;
        out.set_import_id(std::string(16, 'i'));
        return out;
    }
    void add_officer(wire::StageDirectory& to, const OfficerId& id) const {
        auto& officer = *to.add_officers();
        officer.set_officer_id(id.string());
        officer.set_display_name("POK Meier");
        officer.set_service_number("4711");
        officer.add_unit("PP");
    }
    /// The order that moves a device to another unit.
    [[nodiscard]] SignedBytes move(const Phone& phone, std::initializer_list<const Ed25519Seed*> seeds,
                                   const std::string& unit = "PP") {
        auto grant = grant_for(phone);
        grant.version = 2;
        grant.unit = UnitPath::parse(unit).value();
        return order(OrderKind::supersede, phone.id, seeds, signed_grant(grant, {&chief_}).encode());
    }
    [[nodiscard]] SignedBytes rename(const Phone& phone, const std::string& name) {
        auto grant = grant_for(phone);
        grant.version = 2;
        grant.display_name = name;
        return signed_grant(grant, {&chief_});
    }
    Errc stage(const wire::StageDirectory& request) { return stage(request, chief_); }
    Errc stage(const wire::StageDirectory& request, const Ed25519Seed& key) {
        const auto done = keyserver_->stage_directory(admin(key), request);
        return done.has_error() ? done.error().code() : Errc{};
    }
    Result<wire::DirectoryCommitted> commit(std::uint32_t parts) { return commit(parts, chief_); }
    Result<wire::DirectoryCommitted> commit(std::uint32_t parts, const Ed25519Seed& key) {
        wire::CommitDirectory request;
        request.set_import_id(std::string(16, 'i'));
        request.set_parts(parts);
        request.set_directory_version(keyserver_->status()->directory_version());
        return keyserver_->commit_directory(admin(key), request);
    }
    [[nodiscard]] Grant grant_of(const Phone& phone) const {
        wire::FetchGrant request;
        request.set_enrolment_id(phone.id.string());
        const auto reply = keyserver_->fetch_grant(admin(chief_), request).value();
        return Grant::parse(view(reply.grant().body())).value();
    }
    [[nodiscard]] int officers() const { return keyserver_->find_officers({})->officers_size(); }
    /// Everything that an import could change.
    [[nodiscard]] std::string state_of(std::initializer_list<const Phone*> phones) const {
        std::string out = std::to_string(officers()) + " officers, log " + std::to_string(log_size());
        for (const auto* phone : phones)
            out += ", " + grant_of(*phone).unit.string() + " " + grant_of(*phone).display_name + " " +
                   std::to_string(static_cast<int>(view_->find(phone->id)->standing));
        return out;
    }
    void expect_a_readable_log() const {
        OrderBook reader;
        while (reader.size() < log_size()) {
            wire::FetchLog request;
            request.set_from_index(reader.size());
            const auto page = keyserver_->fetch_log(request).value();
            for (const auto& entry : page.entries())
                ASSERT_TRUE(reader.apply(view(entry), *keyserver_->trust()).has_value());
        }
        EXPECT_EQ(reader.head(), Statement::parse(keyserver_->newest_statement().body)->log_head);
    }
};

TEST_F(ImportOfDocuments, are_nowhere_before_the_commit_and_all_in_force_after_it) {
    const auto moved = enrolled(meier_), missing = enrolled(schulz_), renamed = enrolled(random_.id<OfficerId>());
    const auto before = state_of({&moved, &missing, &renamed});
    auto first = part(), second = part();
    add_officer(first, meier_);
    *first.add_orders() = move(moved, {&chief_}).to_wire();
    *second.add_orders() = order(OrderKind::suspend, missing.id, {&chief_}).to_wire();
    *second.add_grants() = rename(renamed, "POK Anders").to_wire();
    ASSERT_EQ(stage(first), Errc{});
    ASSERT_EQ(stage(second), Errc{});
    EXPECT_EQ(state_of({&moved, &missing, &renamed}), before);

    std::vector<EnrolmentId> closed;
    view_->subscribe([&](const server::DeviceChange& change) { closed.push_back(change.device); });
    const auto size = log_size();
    const auto done = commit(2);
    ASSERT_FALSE(done.has_error()) << done.error();
    EXPECT_EQ(done->orders(), 2U);
    EXPECT_EQ(done->grants(), 1U);
    EXPECT_EQ(done->log_size(), size + 2);
    EXPECT_EQ(officers(), 1);
    EXPECT_EQ(grant_of(moved).unit.string(), "PP");
    EXPECT_EQ(grant_of(renamed).display_name, "POK Anders");
    EXPECT_EQ(view_->find(missing.id)->standing, DeviceStanding::suspended);
    EXPECT_EQ(closed, std::vector{missing.id}) << "the relays hear of it";
    EXPECT_EQ(OrderLogCopy::open(copy_file_)->size(), log_size());
    expect_a_readable_log();
    EXPECT_EQ(commit(2).error(), Errc::out_of_order) << "once";
    start();
    EXPECT_EQ(view_->find(missing.id)->standing, DeviceStanding::suspended);
    EXPECT_EQ(grant_of(moved).unit.string(), "PP");
}

TEST_F(ImportOfDocuments, one_that_another_order_overtook_undoes_everything) {
    const auto one = enrolled(meier_), two = enrolled(schulz_);
    auto request = part();
    add_officer(request, meier_);
    *request.add_orders() = move(one, {&chief_}).to_wire();
    *request.add_orders() = order(OrderKind::suspend, two.id, {&chief_}).to_wire();
    ASSERT_EQ(stage(request), Errc{});
    ASSERT_EQ(put_orders({order(OrderKind::suspend, two.id, {&deputy_})}), Errc{});
    const auto before = state_of({&one, &two});
    EXPECT_EQ(commit(1).error(), Errc::log_invalid);
    EXPECT_EQ(state_of({&one, &two}), before);
    EXPECT_EQ(OrderLogCopy::open(copy_file_)->size(), log_size());
    start();
    EXPECT_EQ(state_of({&one, &two}), before);
}

TEST_F(ImportOfDocuments, a_phone_that_enrols_and_orders_of_others_meanwhile_are_no_obstacle) {
    const auto phone = new_phone(meier_), other = enrolled(schulz_);
    ASSERT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
    auto request = part();
    *request.add_orders() = move(phone, {&chief_}).to_wire();
    ASSERT_EQ(stage(request), Errc{});
    ASSERT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
    ASSERT_EQ(put_orders({order(OrderKind::suspend, other.id, {&deputy_})}), Errc{});
    ASSERT_TRUE(commit(1).has_value());
    EXPECT_EQ(grant_of(phone).unit.string(), "PP");
    EXPECT_TRUE(view_->find(phone.id)->bound) << "the binding that came in between stays";
    expect_a_readable_log();
}

TEST_F(ImportOfDocuments, a_grant_that_was_renewed_meanwhile_undoes_everything) {
    const auto one = enrolled(meier_), two = enrolled(schulz_);
    auto request = part();
    *request.add_orders() = move(one, {&chief_}).to_wire();
    *request.add_grants() = rename(two, "POK Anders").to_wire();
    ASSERT_EQ(stage(request), Errc{});
    ASSERT_EQ(put_grant(rename(two, "POK Früher")), Errc{});
    const auto before = state_of({&one, &two});
    EXPECT_EQ(commit(1).error(), Errc::credential_invalid);
    EXPECT_EQ(state_of({&one, &two}), before);
}

TEST_F(ImportOfDocuments, above_the_ceiling_every_document_has_a_second_key) {
    std::vector<Phone> phones;
    for (int i = 0; i < 21; ++i)
        phones.push_back(enrolled(random_.id<OfficerId>()));
    auto alone = part();
    for (const auto& phone : phones)
        *alone.add_orders() = order(OrderKind::suspend, phone.id, {&chief_}).to_wire();
    EXPECT_EQ(stage(alone), Errc::needs_more_signatures);
    EXPECT_EQ(commit(1).error(), Errc::out_of_order) << "what was refused is gone";

    // Staged below it, and the hour is used up before the commit.
    auto few = part();
    for (int i = 0; i < 10; ++i)
        *few.add_orders() = order(OrderKind::suspend, phones[static_cast<std::size_t>(i)].id, {&chief_}).to_wire();
    ASSERT_EQ(stage(few), Errc{});
    for (int i = 0; i < 11; ++i)
        ASSERT_EQ(put_orders({order(OrderKind::suspend, phones[20].id, {&chief_})}), Errc{});
    const auto size = log_size();
    EXPECT_EQ(commit(1).error(), Errc::needs_more_signatures);
    EXPECT_EQ(log_size(), size);

    auto both = part();
    for (int i = 0; i < 20; ++i)
        *both.add_orders() =
            order(OrderKind::suspend, phones[static_cast<std::size_t>(i)].id, {&chief_, &deputy_}).to_wire();
    ASSERT_EQ(stage(both), Errc{});
    ASSERT_TRUE(commit(1).has_value());
    EXPECT_EQ(log_size(), size + 20);
    EXPECT_EQ(put_orders({order(OrderKind::suspend, phones[20].id, {&deputy_})}), Errc::needs_more_signatures)
        << "an import's orders count";
}

TEST_F(ImportOfDocuments, a_trust_list_that_came_meanwhile_undoes_everything) {
    const auto phone = enrolled(meier_);
    auto request = part();
    *request.add_orders() = move(phone, {&chief_}).to_wire();
    ASSERT_EQ(stage(request), Errc{});
    ASSERT_TRUE(keyserver_->put_trust_list(sign_list(2, KeyState::distrusted)).has_value());
    const auto size = log_size();
    EXPECT_EQ(commit(1).error(), Errc::out_of_order);
    EXPECT_EQ(log_size(), size);
}

TEST_F(ImportOfDocuments, hold_one_of_each_device_and_only_known_ones) {
    const auto phone = enrolled(meier_);
    auto twice = part();
    *twice.add_orders() = move(phone, {&chief_}).to_wire();
    *twice.add_grants() = rename(phone, "POK Anders").to_wire();
    EXPECT_EQ(stage(twice), Errc::malformed);
    auto unknown = part();
    *unknown.add_orders() = order(OrderKind::suspend, random_.id<EnrolmentId>(), {&chief_}).to_wire();
    EXPECT_EQ(stage(unknown), Errc::unknown_device);
    auto unsigned_order = part();
    *unsigned_order.add_orders() = order(OrderKind::suspend, phone.id, {&clerk_}).to_wire();
    EXPECT_EQ(stage(unsigned_order), Errc::missing_right);
    auto takes_away = part();
    auto grant = grant_for(phone);
    grant.version = 2;
    grant.unit = UnitPath::parse("PP").value();
    *takes_away.add_grants() = signed_grant(grant, {&chief_}).to_wire();
    EXPECT_EQ(stage(takes_away), Errc::bad_argument);
}

TEST_F(ImportOfDocuments, without_names_take_no_right_over_names) {
    const auto phone = new_phone(meier_);
    auto request = part();
    *request.add_grants() = signed_grant(grant_for(phone), {&clerk_}).to_wire();
    ASSERT_EQ(stage(request, clerk_), Errc{});
    ASSERT_TRUE(commit(1, clerk_).has_value());
    EXPECT_TRUE(keyserver_->enrol(enrol_body(phone)).has_value());
    // The very same again is nothing to do.
    auto again = part();
    *again.add_grants() = signed_grant(grant_for(new_phone(meier_)), {&clerk_}).to_wire();
    *again.add_grants() = request.grants(0);
    ASSERT_EQ(stage(again, clerk_), Errc{});
    EXPECT_EQ(commit(1, clerk_)->grants(), 1U);
}

TEST_F(ImportOfDocuments, more_than_a_server_keeps_is_refused_and_what_nobody_commits_is_forgotten) {
    auto large = part();
    auto& officer = *large.add_removed_officers();
    officer.set_officer_id(meier_.string());
    officer.set_display_name(std::string(limits::message_bytes - 64, 'x'));  // counted, though it means nothing
    const auto fitting = limits::import_bytes / large.ByteSizeLong();
    for (std::size_t i = 0; i < fitting; ++i)
        ASSERT_EQ(stage(large), Errc{});
    EXPECT_EQ(stage(large), Errc::quota_exceeded);
    EXPECT_EQ(commit(static_cast<std::uint32_t>(fitting)).error(), Errc::out_of_order);
    auto small = part();
    add_officer(small, meier_);
    ASSERT_EQ(stage(small), Errc{});
    clock_.advance(limits::import_idle + std::chrono::seconds(1));
    keyserver_->tick();
    EXPECT_EQ(commit(1).error(), Errc::out_of_order);
}

TEST_F(ImportOfDocuments, come_back_out_of_the_second_place_after_a_restore) {
    const auto moved = enrolled(meier_), missing = enrolled(schulz_);
    stop();
    const auto backup = rows_;
    start();
    auto request = part();
    *request.add_orders() = move(moved, {&chief_}).to_wire();
    *request.add_orders() = order(OrderKind::suspend, missing.id, {&chief_}).to_wire();
    ASSERT_EQ(stage(request), Errc{});
    ASSERT_TRUE(commit(1).has_value());
    const auto size = log_size();
    stop();
    rows_ = backup;
    start(true);
    EXPECT_EQ(log_size(), size);
    EXPECT_EQ(view_->find(missing.id)->standing, DeviceStanding::suspended);
    EXPECT_EQ(grant_of(moved).unit.string(), "PP");
    expect_a_readable_log();
}

TEST_F(ImportOfDocuments, what_the_next_ones_start_from_is_asked_for_many_devices_at_once) {
    const auto one = enrolled(meier_), two = enrolled(schulz_);
    ASSERT_EQ(put_orders({order(OrderKind::suspend, two.id, {&chief_})}), Errc{});
    wire::FetchOrderStates request;
    request.add_targets(one.id.string());
    request.add_targets(two.id.string());
    request.add_targets(random_.id<EnrolmentId>().string());
    request.set_with_grants(true);
    const auto reply = keyserver_->fetch_order_states(admin(chief_), request).value();
    ASSERT_EQ(reply.states_size(), 3);
    EXPECT_EQ(reply.states(0).counter(), 0U);
    EXPECT_EQ(view(reply.states(0).grant().body()).size(), grant_of(one).encode()->size());
    EXPECT_EQ(reply.states(1).counter(), 1U);
    EXPECT_EQ(reply.states(1).last_sha256().size(), 32U);
    EXPECT_EQ(static_cast<Errc>(reply.states(2).code()), Errc::unknown_device);
    auto helper = admin(chief_);
    helper.rights = {Right::revoke};
    EXPECT_EQ(keyserver_->fetch_order_states(helper, request).error(), Errc::missing_right);
    request.set_with_grants(false);
    EXPECT_FALSE(keyserver_->fetch_order_states(helper, request)->states(0).has_grant());
    for (std::size_t i = 0; i < limits::order_states_per_request; ++i)
        request.add_targets(one.id.string());
    EXPECT_EQ(keyserver_->fetch_order_states(helper, request).error(), Errc::too_large);
}

TEST_F(ImportOfDocuments, a_page_of_states_that_does_not_fit_is_cut) {
    std::vector<Phone> phones;
    for (int i = 0; i < 40; ++i) {
        auto phone = new_phone(meier_);
        auto grant = grant_for(phone);
        grant.display_name = std::string(200, 'x');
        std::vector<std::string> path;
        for (int level = 0; level < 12; ++level)
            path.push_back(std::string(32, 'u'));
        grant.unit = UnitPath::from(path).value();
        ASSERT_EQ(put_grant(signed_grant(grant, {&chief_, &deputy_})), Errc{});
        phones.push_back(std::move(phone));
    }
    wire::FetchOrderStates request;
    request.set_with_grants(true);
    for (int i = 0; i < 200; ++i)
        request.add_targets(phones[static_cast<std::size_t>(i % 40)].id.string());
    const auto reply = keyserver_->fetch_order_states(admin(chief_), request).value();
    EXPECT_GT(reply.states_size(), 1);
    EXPECT_LT(reply.states_size(), 200);
    EXPECT_LE(reply.ByteSizeLong(), limits::order_states_bytes);
}

}  // namespace
}  // namespace melder::keyserver::testing
