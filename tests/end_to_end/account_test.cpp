// The SDK's account against the real server: enrolment, connection, prekeys, look-ups, revocation.

#include <gtest/gtest.h>

#include "core/enrolment_code.hpp"
#include "melder/account.hpp"
#include "melder/blocking.hpp"
#include "proto/link.pb.h"
#include "tests/end_to_end/world.hpp"

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;

class AccountAtServer : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_TRUE(world.start().has_value()); }

    /// A code with its grant at the server, as `melder-admin` issues them.
    std::string issue_code(const OfficerId& whose, const std::string& number, const std::string& second_part = "") {
        const auto code = EnrolmentCode::generate(system_random(), 1);
        const auto now = system_clock().wall();
        Grant grant;
        grant.enrolment_id = code.enrolment_id();
        grant.officer_id = whose;
        grant.display_name = "Ayşe Öztürk";
        grant.service_number = number;
        grant.unit = UnitPath::parse("LKA/K5").value();
        grant.roles = {Role::member};
        grant.enrolment_key = ed25519_public_of(code.enrolment_seed(second_part).value());
        grant.bind_before = now + 24h;
        grant.not_before = now - 2h;
        grant.not_after = now + std::chrono::hours(24 * 365);
        const auto put = world.put_grant(grant, {&world.chief});
        EXPECT_TRUE(put.has_value());
        const auto text = code.text();
        return to_string(text.expose());
    }
    AccountOptions options(const std::string& name) const {
        AccountOptions out;
        out.vault_directory = world.directory() / name;
        out.servers = {{"127.0.0.1", world.port()}};
        out.root_set = world.roots.encode();
        return out;
    }
    std::unique_ptr<Account> open(const std::string& name) const {
        auto account = Account::open(options(name));
        if (account.has_error()) {
            ADD_FAILURE() << account.error().message();
            return nullptr;
        }
        return std::move(account).value();
    }
    /// Events up to and including the first of this kind that satisfies `wanted`; false after 10 s.
    template <class T, class Wanted>
    static bool await(Account& account, Wanted wanted) {
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (std::chrono::steady_clock::now() < until) {
            const auto event = wait(account.next_event(), 10s);
            if (event.has_error()) return false;
            const auto* what = std::get_if<T>(&event->what);
            const bool found = what != nullptr && wanted(*what);
            EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
            if (found) return true;
        }
        return false;
    }
    static bool await_state(Account& account, ConnectionState state) {
        return await<ConnectionChanged>(account, [&](const auto& change) { return change.state == state; });
    }

    testing::World world;
    const OfficerId officer = system_random().id<OfficerId>();
};

TEST_F(AccountAtServer, an_empty_directory_is_an_account_that_is_not_enrolled) {
    const auto account = open("a");
    EXPECT_FALSE(account->state().enrolled);
    EXPECT_FALSE(std::filesystem::exists(world.directory() / "a"));
}

TEST_F(AccountAtServer, a_code_enrols_and_the_vault_remembers_it) {
    const auto code = issue_code(officer, "0815");
    {
        const auto account = open("a");
        const auto self = wait(account->enrol({.code = code, .second_part = ""}), 30s);
        ASSERT_TRUE(self.has_value()) << self.error().message();
        EXPECT_EQ(self->officer, officer);
        EXPECT_EQ(self->service_number, "0815");
        EXPECT_TRUE(account->state().enrolled);
        EXPECT_EQ(wait(account->enrol({.code = code, .second_part = ""}), 30s).error(), Errc::already_enrolled);
    }
    const auto again = open("a");
    ASSERT_TRUE(again->state().self.has_value());
    EXPECT_EQ(again->state().self->officer, officer);
    EXPECT_EQ(again->state().trust_list_version, 1U);
}

TEST_F(AccountAtServer, wrong_and_unknown_codes_are_told_apart_and_leave_no_enrolment) {
    const auto account = open("a");
    EXPECT_EQ(wait(account->enrol({.code = "MLD1-nonsense", .second_part = ""}), 30s).error(), Errc::code_malformed);
    const auto stranger = EnrolmentCode::generate(system_random(), 1).text();
    EXPECT_EQ(wait(account->enrol({.code = to_string(stranger.expose()), .second_part = ""}), 30s).error(),
              Errc::unknown_code);
    EXPECT_FALSE(account->state().enrolled);
}

TEST_F(AccountAtServer, a_wrong_second_part_uses_nothing_up_and_the_right_one_enrols_the_same_vault) {
    const auto code = issue_code(officer, "0815", "482913");
    {
        const auto account = open("a");
        for (const auto* const wrong : {"", "482931"})
            EXPECT_EQ(wait(account->enrol({.code = code, .second_part = wrong}), 30s).error(), Errc::second_part_wrong);
    }
    const auto again = open("a");
    EXPECT_FALSE(again->state().enrolled);
    const auto self = wait(again->enrol({.code = code, .second_part = "482913"}), 30s);
    ASSERT_TRUE(self.has_value()) << self.error().message();
    EXPECT_EQ(self->officer, officer);
}

TEST_F(AccountAtServer, a_code_used_by_another_device_is_refused) {
    const auto code = issue_code(officer, "0815");
    const auto first = open("a");
    ASSERT_TRUE(wait(first->enrol({.code = code, .second_part = ""}), 30s).has_value());
    const auto second = open("b");
    const auto refused = wait(second->enrol({.code = code, .second_part = ""}), 30s);
    EXPECT_EQ(refused.error(), Errc::code_used);
    EXPECT_FALSE(second->state().enrolled);
}

TEST_F(AccountAtServer, a_code_that_somebody_used_between_two_attempts_is_refused_and_reported) {
    const auto code = issue_code(officer, "0815");
    world.stop();
    const auto first = open("a");
    ASSERT_TRUE(wait(first->enrol({.code = code, .second_part = ""}), 30s).has_error());
    ASSERT_TRUE(world.start().has_value());
    const auto thief = open("b");
    ASSERT_TRUE(wait(thief->enrol({.code = code, .second_part = ""}), 30s).has_value());
    EXPECT_EQ(wait(first->enrol({.code = code, .second_part = ""}), 30s).error(), Errc::already_bound);
    EXPECT_TRUE(await<TrustNotice>(
        *first, [](const auto& notice) { return notice.kind == TrustNotice::Kind::own_binding_differs; }));
}

TEST_F(AccountAtServer, one_vault_belongs_to_one_account_at_a_time) {
    const auto code = issue_code(officer, "0815");
    const auto first = open("a");
    ASSERT_TRUE(wait(first->enrol({.code = code, .second_part = ""}), 30s).has_value());
    EXPECT_EQ(Account::open(options("a")).error(), Errc::vault_in_use);
}

TEST_F(AccountAtServer, a_server_of_other_roots_learns_nothing_and_is_refused) {
    auto foreign = options("a");
    RootSet roots;
    roots.keys = {ed25519_public_of(system_random().secret<Ed25519Seed>())};
    foreign.root_set = roots.encode();
    const auto account = Account::open(foreign).value();
    const auto refused = wait(account->enrol({.code = issue_code(officer, "0815"), .second_part = ""}), 30s);
    ASSERT_TRUE(refused.has_error());
    EXPECT_FALSE(account->state().enrolled);
}

TEST_F(AccountAtServer, connecting_uploads_two_hundred_prekeys_and_reconnecting_none) {
    const auto account = open("a");
    const auto self = wait(account->enrol({.code = issue_code(officer, "0815"), .second_part = ""}), 30s);
    ASSERT_TRUE(self.has_value()) << self.error().message();
    account->connect();
    ASSERT_TRUE(await_state(*account, ConnectionState::online));
    const auto stock = [&] {
        wire::Frame frame;
        frame.mutable_show_device()->set_enrolment_id(self->device.string());
        const auto reply = world.admin()->request(std::move(frame));
        return reply.has_value() ? reply->device_status().one_time_prekeys() : 0;
    };
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (stock() != 200 && std::chrono::steady_clock::now() < until) {
    }
    EXPECT_EQ(stock(), 200U);
    account->disconnect();
    ASSERT_TRUE(await_state(*account, ConnectionState::offline));
    account->connect();
    ASSERT_TRUE(await_state(*account, ConnectionState::online));
    // The look-up comes after the check of the stock on the same connection, so an upload would have been seen.
    EXPECT_TRUE(wait(account->look_up("0815"), 30s).has_value());
    EXPECT_EQ(stock(), 200U);
}

TEST_F(AccountAtServer, looks_up_officers_by_number_and_id_and_not_who_is_not_there) {
    const auto account = open("a");
    ASSERT_TRUE(wait(account->enrol({.code = issue_code(officer, "0815"), .second_part = ""}), 30s).has_value());
    account->connect();
    ASSERT_TRUE(await_state(*account, ConnectionState::online));
    const auto by_number = wait(account->look_up("0815"), 30s);
    ASSERT_TRUE(by_number.has_value()) << by_number.error().message();
    EXPECT_EQ(by_number->officer, officer);
    EXPECT_EQ(by_number->devices.size(), 1U);
    EXPECT_TRUE(wait(account->look_up(officer), 30s).has_value());
    EXPECT_TRUE(wait(account->look_up("9999"), 30s).has_error());
}

TEST_F(AccountAtServer, comes_back_by_itself_after_a_restart_of_the_server) {
    const auto account = open("a");
    ASSERT_TRUE(wait(account->enrol({.code = issue_code(officer, "0815"), .second_part = ""}), 30s).has_value());
    account->connect();
    ASSERT_TRUE(await_state(*account, ConnectionState::online));
    world.stop();
    ASSERT_TRUE(await<ConnectionChanged>(*account, [](const auto& change) {
        return change.state == ConnectionState::offline && change.retry_after > 0ms;
    }));
    ASSERT_TRUE(world.start().has_value());
    EXPECT_TRUE(await_state(*account, ConnectionState::online));
}

TEST_F(AccountAtServer, a_revoked_device_is_cut_off_and_told_so) {
    const auto account = open("a");
    const auto self = wait(account->enrol({.code = issue_code(officer, "0815"), .second_part = ""}), 30s);
    ASSERT_TRUE(self.has_value());
    account->connect();
    ASSERT_TRUE(await_state(*account, ConnectionState::online));
    ASSERT_TRUE(world.order(OrderKind::revoke, self->device, {&world.chief}).has_value());
    EXPECT_TRUE(await<ConnectionChanged>(*account, [](const auto& change) {
        return change.state == ConnectionState::restricted && change.reason == Errc::device_revoked;
    }));
    EXPECT_TRUE(await<TrustNotice>(
        *account, [](const auto& notice) { return notice.kind == TrustNotice::Kind::own_device_revoked; }));
}

TEST_F(AccountAtServer, a_waiting_reader_ends_when_cancelled_replaced_or_closed) {
    const auto account = open("a");
    EXPECT_EQ(wait(account->next_event(), 10ms).error(), Errc::deadline_exceeded);
    auto first = start_future(account->next_event());
    auto second = start_future(account->next_event());
    EXPECT_EQ(first.get().error(), Errc::cancelled);
    account->close();
    EXPECT_EQ(second.get().error(), Errc::closed);
    EXPECT_EQ(wait(account->next_event()).error(), Errc::closed);
}

}  // namespace
}  // namespace melder::sdk
