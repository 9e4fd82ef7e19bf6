// What the order log says about others and about oneself, and what an account does about it.

#include <fstream>
#include <iterator>

#include "sdk/vault/outbox_rows.hpp"
#include "sdk/vault/receive_rows.hpp"
#include "tests/end_to_end/account_fixture.hpp"
#include "tests/end_to_end/vault_file.hpp"

namespace melder::testing {
namespace {

using Kind = TrustNotice::Kind;
using wire::Frame;

Bytes read_file(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), {});
}

class AccountAndLog : public AccountsAtServer {
protected:
    [[nodiscard]] Result<void> revoke(const EnrolmentId& device) {
        return world.order(OrderKind::revoke, device, {&world.chief});
    }
    static bool await_restricted(Account& account, Errc reason) {
        return await<ConnectionChanged>(account, [&](const auto& change) {
            return change.state == ConnectionState::restricted && change.reason == reason;
        });
    }
    std::unique_ptr<sdk::Vault> open_vault(const std::string& name) {
        keys_ = std::make_unique<sdk::FilePlatformKeys>(world.directory() / name / "device-key");
        return sdk::Vault::open(
                   {.path = vault_of(name), .keys = *keys_, .random = system_random(), .create = false, .share = {}})
            .value();
    }

private:
    std::unique_ptr<sdk::FilePlatformKeys> keys_;
};

TEST_F(AccountAndLog, a_newer_log_that_a_peer_carries_is_fetched_without_a_reconnect) {
    ASSERT_TRUE(revoke(world.phone(system_random().id<OfficerId>()).id()).has_value());
    const auto before = anna->state().log_size;
    reconnect(*bert);
    ASSERT_TRUE(eventually([&] { return bert->state().log_size == before + 1; }));
    EXPECT_EQ(anna->state().log_size, before);
    ASSERT_TRUE(write(*bert, anna_id, "gibt es was?").has_value());
    ASSERT_TRUE(read(*anna));
    EXPECT_TRUE(eventually([&] { return anna->state().log_size == before + 1; }));
}

TEST_F(AccountAndLog, a_revoked_device_says_so_when_it_is_asked_to_send_also_without_a_connection) {
    ASSERT_TRUE(write(*anna, bert_id, "eins").has_value());
    ASSERT_TRUE(revoke(device_of(*anna)).has_value());
    ASSERT_TRUE(await_restricted(*anna, Errc::device_revoked));
    EXPECT_EQ(write(*anna, bert_id, "zwei").error(), Errc::device_revoked);
    anna.reset();
    anna = open("anna");
    EXPECT_EQ(write(*anna, bert_id, "drei").error(), Errc::device_revoked);
}

TEST_F(AccountAndLog, a_replaced_device_is_told_that_it_is_that) {
    const auto next = enrol("anna2", anna_id, "0815", [&](Grant& grant) { grant.replaces = {device_of(*anna)}; });
    ASSERT_TRUE(next);
    EXPECT_TRUE(await_restricted(*anna, Errc::device_replaced));
    EXPECT_TRUE(await_notice(*anna, Kind::own_device_replaced));
    EXPECT_EQ(write(*anna, bert_id, "noch da").error(), Errc::device_replaced);
}

TEST_F(AccountAndLog, a_device_whose_grant_is_over_is_told_that_it_is_that) {
    const auto carla = enrol("carla", system_random().id<OfficerId>(), "0817",
                             [&](Grant& grant) { grant.not_after = time.wall() + 3h; });
    ASSERT_TRUE(carla);
    time.advance(4h);
    disconnect(*carla);
    carla->connect();
    EXPECT_TRUE(await_restricted(*carla, Errc::credential_expired));
    EXPECT_EQ(write(*carla, bert_id, "noch da").error(), Errc::credential_expired);
}

TEST_F(AccountAndLog, a_device_whose_grant_is_over_renews_itself_as_soon_as_there_is_a_new_version) {
    Grant grant;
    const auto carla = enrol("carla", system_random().id<OfficerId>(), "0817", [&](Grant& issued) {
        issued.not_after = time.wall() + 3h;
        grant = issued;
    });
    ASSERT_TRUE(carla);
    disconnect(*carla);
    time.advance(4h);
    grant.version = 2;
    grant.not_after = time.wall() + 24h;
    ASSERT_TRUE(world.put_grant(grant, {&world.chief}).has_value());
    connect(*carla);
    const auto sent = write(*carla, bert_id, "verlängert");
    ASSERT_TRUE(sent.has_value()) << sent.error().message();
    EXPECT_TRUE(read(*bert)) << "its own certificate was not the new one";
}

TEST_F(AccountAndLog, a_device_that_is_restricted_because_its_time_is_over_goes_online_when_it_was_renewed) {
    Grant grant;
    const auto carla = enrol("carla", system_random().id<OfficerId>(), "0817", [&](Grant& issued) {
        issued.not_after = time.wall() + 3h;
        grant = issued;
    });
    ASSERT_TRUE(carla);
    disconnect(*carla);
    time.advance(4h);
    carla->connect();
    ASSERT_TRUE(await_restricted(*carla, Errc::credential_expired));
    grant.version = 2;
    grant.not_after = time.wall() + 24h;
    ASSERT_TRUE(world.put_grant(grant, {&world.chief}).has_value());
    time.advance(31min);
    connect(*carla);
    EXPECT_TRUE(write(*carla, bert_id, "verlängert").has_value());
}

TEST_F(AccountAndLog, a_newer_trust_list_that_a_peer_carries_the_name_of_is_fetched_without_a_reconnect) {
    const auto list = SignedBytes::parse(read_file(world.config().trust_list_file)).value();
    auto fields = TrustList::verify(list, world.roots).value().fields();
    fields.version = 2;
    SignedBytes next{TrustList::encode(fields).value(), {}};
    sign(next, Context::trust_list, world.root);
    Frame put;
    *put.mutable_put_trust_list()->mutable_trust_list() = next.to_wire();
    ASSERT_TRUE(world.admin()->request(std::move(put)).has_value());
    const auto before = anna->state().log_size;
    reconnect(*bert);
    ASSERT_TRUE(eventually([&] { return bert->state().log_size > before; }));
    EXPECT_EQ(anna->state().trust_list_version, 1U);
    ASSERT_TRUE(write(*bert, anna_id, "neue Liste").has_value());
    ASSERT_TRUE(read(*anna));
    EXPECT_TRUE(eventually([&] { return anna->state().trust_list_version == 2; }));
    EXPECT_TRUE(eventually([&] { return anna->state().log_size == bert->state().log_size; }));
    anna.reset();
    anna = open("anna");
    EXPECT_EQ(anna->state().trust_list_version, 2U);
}

TEST_F(AccountAndLog, what_a_replaced_device_never_confirmed_is_encrypted_again_for_its_successor) {
    exchange(*anna, bert_id, *bert);
    const auto former = device_of(*bert);
    bert.reset();
    const auto sent = write(*anna, bert_id, "für den Nachfolger");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    const auto next = enrol("bert2", bert_id, "0816", [&](Grant& grant) { grant.replaces = {former}; });
    ASSERT_TRUE(next);
    reconnect(*anna);
    const auto text = read(*next);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text.view(), "für den Nachfolger");
    EXPECT_TRUE(await_state(*anna, *sent, SendState::delivered));
}

TEST_F(AccountAndLog, the_officers_other_devices_get_no_second_copy_when_one_of_them_is_replaced) {
    exchange(*anna, bert_id, *bert);
    auto other = enrol("bert-other", bert_id, "0816");
    ASSERT_TRUE(other);
    const auto former = device_of(*bert), second = device_of(*other);
    bert.reset();
    other.reset();
    const auto sent = write(*anna, bert_id, "an beide");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(eventually([&] { return mailbox(former).waiting == 1 && mailbox(second).waiting == 1; }));
    const auto next = enrol("bert2", bert_id, "0816", [&](Grant& grant) { grant.replaces = {former}; });
    ASSERT_TRUE(next);
    reconnect(*anna);
    ASSERT_TRUE(read(*next));
    EXPECT_EQ(mailbox(second).waiting, 1U);
}

TEST_F(AccountAndLog, what_a_replaced_device_never_confirmed_is_encrypted_again_also_by_the_next_process) {
    exchange(*anna, bert_id, *bert);
    const auto former = device_of(*bert);
    bert.reset();
    const auto sent = write(*anna, bert_id, "für den Nachfolger");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    anna.reset();
    const auto next = enrol("bert2", bert_id, "0816", [&](Grant& grant) { grant.replaces = {former}; });
    ASSERT_TRUE(next);
    anna = open("anna");
    connect(*anna);
    const auto text = read(*next);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text.view(), "für den Nachfolger");
}

TEST_F(AccountAndLog, what_a_revoked_device_never_confirmed_is_reported_as_failed) {
    exchange(*anna, bert_id, *bert);
    const auto former = device_of(*bert);
    bert.reset();
    const auto sent = write(*anna, bert_id, "kommt nie an");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    ASSERT_TRUE(revoke(former).has_value());
    reconnect(*anna);
    EXPECT_TRUE(await_state(*anna, *sent, SendState::failed, Errc::device_revoked));
}

TEST_F(AccountAndLog, an_expired_trust_list_stays_in_force_for_thirty_days_and_is_told) {
    exchange(*anna, bert_id, *bert);
    for (auto* account : {anna.get(), bert.get()})
        disconnect(*account);
    world.stop();
    time.advance(std::chrono::hours(24 * 365 + 1));
    ASSERT_TRUE(world.start().has_value());
    boot_name = "a year later";
    for (const auto& [account, name] : {std::pair{&anna, "anna"}, std::pair{&bert, "bert"}}) {
        account->reset();
        *account = open(name);
        (*account)->connect();
    }
    EXPECT_TRUE(await_notice(*anna, Kind::trust_list_expired));
    EXPECT_TRUE(write(*anna, bert_id, "noch gilt sie").has_value());
    EXPECT_TRUE(read(*bert));

    time.advance(std::chrono::hours(24 * 30));
    world.stop();
    ASSERT_TRUE(world.start().has_value());
    anna->connect();
    EXPECT_TRUE(await<ConnectionChanged>(*anna, [](const auto& change) {
        return change.state == ConnectionState::offline && change.reason == Errc::trust_list_expired;
    }));
    EXPECT_EQ(write(*anna, bert_id, "nicht mehr").error(), Errc::trust_list_expired);
}

TEST_F(AccountAndLog, an_acknowledgement_given_just_before_the_account_closes_still_leaves) {
    exchange(*anna, bert_id, *bert);
    const auto device = device_of(*bert);
    for (int i = 0; i < 5; ++i) {
        bert.reset();
        const auto sent = write(*anna, bert_id, "quittiert");
        ASSERT_TRUE(sent.has_value());
        ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
        ASSERT_GE(mailbox(device).waiting, 1U);
        bert = open("bert");
        connect(*bert);
        ASSERT_TRUE(read(*bert));
        bert.reset();
        EXPECT_TRUE(eventually([&] { return mailbox(device).waiting == 0; }));
    }
}

// ---- envelopes that end the process, and errors of the phone's own -------------------------------------------------

TEST_F(AccountAndLog, an_envelope_that_was_being_opened_when_two_processes_ended_is_refused) {
    exchange(*anna, bert_id, *bert);
    const auto device = device_of(*bert);
    bert.reset();
    const auto sent = write(*anna, bert_id, "tödlich");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    anna.reset();
    EnvelopeId envelope;
    {
        const auto vault = open_vault("anna");
        for (const auto& row : sdk::load_outbox(vault->begin(time.wall())).value()) {
            if (row.content == *sent) envelope = row.envelope;
        }
    }
    ASSERT_FALSE(envelope.is_zero());
    // What two processes leave behind that die while they open it.
    for (int i = 0; i < 2; ++i) {
        {
            const auto vault = open_vault("bert");
            auto transaction = vault->begin(time.wall());
            ASSERT_TRUE(sdk::note_opening(transaction, envelope).has_value());
            ASSERT_TRUE(transaction.commit(sdk::Sync::durable).has_value());
        }
        ASSERT_TRUE(open("bert"));
    }
    // Three connections, three refusals: the server moves it aside. It is never opened.
    bert = open("bert");
    bert->connect();
    EXPECT_TRUE(eventually([&] {
        EXPECT_FALSE(has_text(*bert));
        reconnect(*bert);
        return mailbox(device).aside == 1;
    }));
}

TEST_F(AccountAndLog, an_error_of_the_phones_own_never_counts_against_the_envelope) {
    exchange(*anna, bert_id, *bert);
    bert.reset();
    const auto sent = write(*anna, bert_id, "unschuldig");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    // Sessions cannot be read, at more starts than a note survives.
    const auto cells = VaultFile(vault_of("bert")).damage(sdk::Table::sessions);
    ASSERT_FALSE(cells.empty());
    for (int i = 0; i < 4; ++i) {
        bert = open("bert");
        connect(*bert);
        EXPECT_FALSE(has_text(*bert));
        bert.reset();
        EXPECT_EQ(VaultFile(vault_of("bert")).count(sdk::Table::crash_notes), 0);
    }
    VaultFile(vault_of("bert")).mend(cells);
    bert = open("bert");
    connect(*bert);
    const auto text = read(*bert);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text.view(), "unschuldig");
}

}  // namespace
}  // namespace melder::testing
