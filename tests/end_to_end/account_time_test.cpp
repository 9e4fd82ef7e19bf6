// The account's time and what hangs on it: freshness of the order log, expiry, and a clock that somebody plays with.

#include "tests/end_to_end/account_fixture.hpp"
#include "tests/end_to_end/vault_file.hpp"

namespace melder::testing {
namespace {

using sdk::ExpiredUnread;
using sdk::Urgency;
using Kind = TrustNotice::Kind;

class AccountTime : public AccountsAtServer {
protected:
    /// One message each way, so that both can write without a server.
    void SetUp() override {
        AccountsAtServer::SetUp();
        exchange(*anna, bert_id, *bert);
        exchange(*bert, anna_id, *anna);
    }
    void TearDown() override { world.stop(); }  // before the clock it goes by

    MovableClock turned;  ///< of a server that goes by another time
    void stop_server() {
        world.stop();
        for (auto* account : {anna.get(), bert.get()}) {
            if (account == nullptr) continue;
            ASSERT_TRUE(eventually([&] { return account->state().connection != ConnectionState::online; }));
        }
    }
};

TEST_F(AccountTime, comes_from_the_keyserver_whatever_the_phones_wall_clock_says) {
    time.advance(3h);
    ASSERT_TRUE(write(*anna, bert_id, "wie spät ist es?").has_value());
    const auto received = read(*bert);
    ASSERT_TRUE(received);
    const auto off = time.wall() - received->sent_at;
    EXPECT_LT(std::chrono::abs(off), 10s) << "the sender took another time";
    ASSERT_TRUE(received->expires_at);
}

TEST_F(AccountTime, without_a_confirmed_log_it_is_told_after_twelve_hours_and_sends_only_urgent_after_a_day) {
    disconnect(*anna);  // tries nothing
    stop_server();
    time.advance(11h);
    EXPECT_TRUE(write(*anna, bert_id, "elf Stunden").has_value());
    EXPECT_FALSE(has_notice(*anna, Kind::head_unconfirmed));
    time.advance(1h + 1min);
    EXPECT_TRUE(write(*anna, bert_id, "zwölf Stunden").has_value());
    EXPECT_TRUE(await_notice(*anna, Kind::head_unconfirmed));
    time.advance(12h);
    EXPECT_EQ(write(*anna, bert_id, "ein Tag").error(), Errc::head_stale);
    EXPECT_TRUE(write(*anna, bert_id, "Alarm", Urgency::urgent).has_value());

    ASSERT_TRUE(world.start().has_value());
    anna->connect();  // at once
    bert->connect();
    for (int i = 0; i < 3; ++i) {
        const auto text = read(*bert);
        ASSERT_TRUE(text);
        EXPECT_EQ(text->stale_head, text->text.view() == "Alarm") << text->text.view();
    }
    EXPECT_TRUE(write(*anna, bert_id, "wieder da").has_value());
    const auto text = read(*bert);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text.view(), "wieder da");
    EXPECT_FALSE(text->stale_head);
}

TEST_F(AccountTime, a_confirmation_counts_over_a_restart_and_no_longer_than_a_day) {
    time.advance(20h);
    exchange(*anna, bert_id, *bert);  // asks for a confirmation; the log stays as it is
    stop_server();
    anna.reset();
    time.advance(23h);
    anna = open("anna");
    EXPECT_TRUE(write(*anna, bert_id, "noch").has_value());
    anna.reset();
    time.advance(1h);
    anna = open("anna");
    EXPECT_EQ(write(*anna, bert_id, "nicht mehr").error(), Errc::head_stale);
}

TEST_F(AccountTime, a_connected_account_asks_again_before_it_sends_by_an_old_confirmation) {
    time.advance(13h);
    ASSERT_TRUE(write(*anna, bert_id, "nach dreizehn Stunden").has_value());
    ASSERT_TRUE(read(*bert));
    stop_server();
    time.advance(12h);
    EXPECT_TRUE(write(*anna, bert_id, "nach fünfundzwanzig").has_value()) << "it had not asked";
}

TEST_F(AccountTime, a_step_of_more_than_a_day_within_one_boot_locks_and_is_reported) {
    turned.advance(30h);
    stop_server();
    world.clock = &turned;
    ASSERT_TRUE(world.start().has_value());
    anna->connect();
    EXPECT_TRUE(await_notice(*anna, Kind::clock_refused));
    EXPECT_TRUE(await<ConnectionChanged>(*anna, [](const auto& change) {
        return change.state == ConnectionState::offline && change.reason == Errc::clock_skew;
    }));
    EXPECT_EQ(write(*anna, bert_id, "jetzt", Urgency::urgent).error(), Errc::locked);
    anna->connect();
    EXPECT_TRUE(await<ConnectionChanged>(
        *anna, [](const auto& change) { return change.reason == Errc::clock_skew && change.retry_after == 0ms; }));
    // Opened again in the same boot it refuses again; after a reboot any step forward is believed.
    anna.reset();
    anna = open("anna");
    anna->connect();
    EXPECT_TRUE(await_notice(*anna, Kind::clock_refused));
    anna.reset();
    boot_name = "second";
    anna = open("anna");
    connect(*anna);
    EXPECT_TRUE(write(*anna, bert_id, "nach dem Neustart").has_value());
}

TEST_F(AccountTime, what_a_step_after_a_reboot_expires_is_hidden_at_once_and_erased_after_a_second_opinion) {
    ASSERT_TRUE(write(*anna, bert_id, "eine Stunde", Urgency::normal, 1h).has_value());
    ASSERT_TRUE(find<TextReceived>(*bert, [](const auto&) { return true; }));
    bert.reset();
    EXPECT_EQ(VaultFile(vault_of("bert")).count(sdk::Table::pending), 1);
    stop_server();

    turned.advance(30h);
    world.clock = &turned;
    ASSERT_TRUE(world.start().has_value());
    boot_name = "second";
    bert = open("bert");
    connect(*bert);
    EXPECT_FALSE(has_notice(*bert, Kind::clock_refused));
    turned.advance(2min);
    time.advance(2min);
    bert->connect();  // looks at what is due
    EXPECT_FALSE(has_text(*bert));
    bert.reset();
    EXPECT_EQ(VaultFile(vault_of("bert")).count(sdk::Table::pending), 1) << "erased on one statement's word";

    bert = open("bert");
    connect(*bert);
    turned.advance(11min);
    time.advance(11min);
    EXPECT_TRUE(eventually([&] {
        reconnect(*bert);  // asks again, and may be closed before the answer is there
        bert.reset();
        const bool erased = VaultFile(vault_of("bert")).count(sdk::Table::pending) == 0;
        bert = open("bert");
        connect(*bert);
        return erased;
    }));
}

class AccountExpiry : public AccountTime {
protected:
    /// Whether a text is among the events the account holds.
    static bool holds_a_text(Account& account) {
        account.restart_events();
        for (;;) {
            const auto event = wait(account.next_event(), 50ms);
            if (event.has_error()) return false;
            if (std::holds_alternative<TextReceived>(event->what)) return true;
        }
    }
};

TEST_F(AccountExpiry, what_expires_unread_leaves_memory_and_is_told_as_that) {
    const auto sent = write(*anna, bert_id, "eine Stunde", Urgency::normal, 1h);
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::delivered));  // it is in bert's memory, and his app has not read
    time.advance(61min);
    bert->connect();  // it is: looks at what is due
    EXPECT_TRUE(await<ExpiredUnread>(*bert, [](const auto& over) { return over.count == 1; }));
    EXPECT_FALSE(holds_a_text(*bert));
}

TEST_F(AccountExpiry, what_expires_unread_without_a_connection_is_told_once_with_the_next_one) {
    const auto sent = write(*anna, bert_id, "eine Stunde", Urgency::normal, 1h);
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::delivered));
    disconnect(*bert);
    // What was in flight is in the mailbox before its time is over: the sender's receipt came earlier.
    ASSERT_TRUE(eventually([&] { return mailbox(device_of(*bert)).waiting >= 1; }));
    time.advance(62min);
    bert->connect();
    EXPECT_TRUE(await<ExpiredUnread>(*bert, [](const auto& over) { return over.count == 1; }));
    exchange(*anna, bert_id, *bert);
    bert->restart_events();
    for (;;) {
        const auto event = wait(bert->next_event(), 100ms);
        if (event.has_error()) break;
        EXPECT_FALSE(std::holds_alternative<ExpiredUnread>(event->what)) << "told twice";
    }
}

TEST_F(AccountExpiry, what_was_read_and_not_acknowledged_leaves_memory_when_its_time_is_over) {
    ASSERT_TRUE(write(*anna, bert_id, "gleich vorbei", Urgency::normal, 1s).has_value());
    ASSERT_TRUE(find<TextReceived>(*bert, [](const auto&) { return true; }));
    EXPECT_TRUE(holds_a_text(*bert));
    EXPECT_TRUE(eventually([&] { return !holds_a_text(*bert); }));
}

TEST_F(AccountExpiry, vault_rows_of_what_expired_are_erased_when_the_vault_is_opened) {
    ASSERT_TRUE(write(*anna, bert_id, "eine Stunde", Urgency::normal, 1h).has_value());
    ASSERT_TRUE(find<TextReceived>(*bert, [](const auto&) { return true; }));
    bert.reset();
    time.advance(1h + 2min);
    EXPECT_EQ(VaultFile(vault_of("bert")).count(sdk::Table::pending), 1);
    bert = open("bert");
    bert.reset();
    EXPECT_EQ(VaultFile(vault_of("bert")).count(sdk::Table::pending), 0);
}

TEST_F(AccountExpiry, vault_rows_of_what_expired_are_erased_while_the_account_is_open) {
    ASSERT_TRUE(write(*anna, bert_id, "eine Stunde", Urgency::normal, 1h).has_value());
    ASSERT_TRUE(find<TextReceived>(*bert, [](const auto&) { return true; }));
    time.advance(1h + 2min);
    reconnect(*bert);
    bert.reset();
    EXPECT_EQ(VaultFile(vault_of("bert")).count(sdk::Table::pending), 0);
}

}  // namespace
}  // namespace melder::testing
