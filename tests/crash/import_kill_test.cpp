// kill -9 of the whole server in the middle of an import's commit: everything of it is there afterwards, or nothing.

#include <filesystem>

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "keyserver/order_log_copy.hpp"
#include "proto/link.pb.h"
#include "tests/crash/server_child.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {
namespace {

constexpr std::size_t devices = 200;
constexpr int rounds = 8;

class KilledImport : public ::testing::Test {
protected:
    void start() {
        const auto port = child.start((world.directory() / "melder.toml").string());
        ASSERT_TRUE(port.has_value()) << port.error().message();
        world.use_port(*port);
        admin = world.admin();
    }
    [[nodiscard]] wire::Frame ask(wire::Frame request) const { return admin->request(std::move(request)).value(); }
    [[nodiscard]] wire::StatusReply status() const {
        wire::Frame request;
        request.mutable_status();
        return ask(std::move(request)).status_reply();
    }
    /// One waiting device of each officer, all in one unit.
    void grant_all() {
        auto grant = world.issue(system_random().id<OfficerId>()).grant;
        wire::Frame request;
        for (std::size_t i = 0; i < devices; ++i) {
            grant.enrolment_id = system_random().id<EnrolmentId>();
            grant.officer_id = system_random().id<OfficerId>();
            grant.service_number = std::to_string(i);
            SignedBytes document{grant.encode().value(), {}};
            sign(document, Context::grant, world.chief);
            sign(document, Context::grant, world.deputy);
            *request.mutable_put_grants()->add_grants() = document.to_wire();
            grants.push_back(grant);
            if ((i + 1) % 100 == 0) ASSERT_EQ(ask(std::exchange(request, {})).grants_reply().results_size(), 100);
        }
    }
    /// Moves everybody, officers and devices, to the unit of this number: staged, not committed.
    [[nodiscard]] wire::Frame stage_move(int number) {
        const auto unit = "U" + std::to_string(number);
        const auto id = to_string(system_random().id<EnrolmentId>().view());
        wire::Frame commit;
        commit.mutable_commit_directory()->set_import_id(id);
        commit.mutable_commit_directory()->set_directory_version(status().directory_version());
        for (std::size_t from = 0; from < devices; from += 50) {
            wire::Frame states;
            for (auto i = from; i < from + 50; ++i)
                states.mutable_fetch_order_states()->add_targets(grants[i].enrolment_id.string());
            const auto reply = ask(std::move(states)).order_states();
            wire::Frame part;
            auto& stage = *part.mutable_stage_directory();
            stage.set_import_id(id);
            for (auto i = from; i < from + 50; ++i) {
                auto& officer = *stage.add_officers();
                officer.set_officer_id(grants[i].officer_id.string());
                officer.set_display_name("X");
                officer.set_service_number(grants[i].service_number);
                officer.add_unit(unit);
                auto grant = grants[i];
                grant.version = static_cast<std::uint32_t>(2 + number);
                grant.unit = UnitPath::parse(unit).value();
                SignedBytes document{grant.encode().value(), {}};
                sign(document, Context::grant, world.chief);
                const auto& state = reply.states(static_cast<int>(i - from));
                Order order;
                order.kind = OrderKind::supersede;
                order.target = grant.enrolment_id;
                order.counter = state.counter() + 1;
                if (order.counter > 1) order.previous = Hash::from(std::string_view(state.last_sha256())).value();
                order.issued_at = system_clock().wall();
                order.reason = sha256(view("reason"));
                order.detail = document.encode();
                SignedBytes signed_order{order.encode(), {}};
                sign(signed_order, Context::order, world.chief);
                sign(signed_order, Context::order, world.deputy);
                *stage.add_orders() = signed_order.to_wire();
            }
            EXPECT_TRUE(ask(std::move(part)).has_done());
            commit.mutable_commit_directory()->set_parts(commit.commit_directory().parts() + 1);
        }
        return commit;
    }
    /// How many officers and devices stand in each unit.
    [[nodiscard]] std::map<std::string, std::size_t> places() const {
        std::map<std::string, std::size_t> out;
        std::string after;
        for (bool more = true; more;) {
            wire::Frame request;
            request.mutable_find_officers()->set_after(after);
            const auto page = ask(std::move(request)).officer_list();
            for (const auto& officer : page.officers())
                ++out["officers of " + officer.unit(0)];
            more = page.more();
            if (more) after = page.officers(page.officers_size() - 1).officer_id();
        }
        for (std::size_t from = 0; from < devices; from += 100) {
            wire::Frame request;
            request.mutable_fetch_order_states()->set_with_grants(true);
            for (auto i = from; i < from + 100; ++i)
                request.mutable_fetch_order_states()->add_targets(grants[i].enrolment_id.string());
            const auto page = ask(std::move(request)).order_states();
            EXPECT_EQ(page.states_size(), 100);
            for (const auto& state : page.states()) {
                const auto unit = Grant::parse(view(state.grant().body()))->unit.string();
                ++out["devices of " + unit + " after " + std::to_string(state.counter()) + " orders"];
            }
        }
        return out;
    }

    World world;
    ServerChild child;
    std::unique_ptr<Link> admin;
    std::vector<Grant> grants;
};

TEST_F(KilledImport, is_there_as_a_whole_or_not_at_all) {
    start();
    grant_all();
    auto before = places();
    auto log_size = status().log_size();
    const auto copy = std::filesystem::path(world.config().order_log_copy);
    for (int round = 0; round < rounds; ++round) {
        auto commit = stage_move(round);
        commit.set_request(10'000);
        admin->send(commit);
        // The commit goes out with the first question; the later ones tell how far it may have come.
        const auto other = world.admin();
        for (int i = 0; i < round * round; ++i) {
            wire::Frame nonce;
            nonce.mutable_fetch_statement()->set_client_nonce(std::string(16, 'n'));
            ASSERT_TRUE(other->request(std::move(nonce)).has_value());
        }
        child.kill_now();
        admin.reset();
        start();
        const auto after = places();
        RecordProperty("round " + std::to_string(round), after == before ? "nothing" : "everything");
        const auto unit = "U" + std::to_string(round);
        if (after == before) {
            EXPECT_EQ(status().log_size(), log_size);
        } else {
            EXPECT_EQ(after.size(), 2U) << "officers, and devices: each in one place";
            EXPECT_EQ(after.at("officers of " + unit), devices);
            EXPECT_EQ(status().log_size(), log_size + devices);
            before = after;
            log_size = status().log_size();
        }
        EXPECT_EQ(keyserver::OrderLogCopy::open(copy.string())->size(), log_size) << "the second place too";
    }
    ASSERT_TRUE(admin->request(stage_move(rounds)).value().has_directory_committed());
    EXPECT_EQ(places().at("officers of U" + std::to_string(rounds)), devices);
}

}  // namespace
}  // namespace melder::testing
