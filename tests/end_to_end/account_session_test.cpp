// Sessions that have gone wrong, between accounts at the real server.

#include "tests/end_to_end/account_fixture.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;

class AccountSessions : public AccountsAtServer {
protected:
    /// Bert's vault as it was before he and anna had a session; what she sends then is nothing to him.
    void lose_the_session_of_bert() {
        const auto vault = world.directory() / "bert", former = world.directory() / "bert-of-yesterday";
        bert.reset();
        fs::copy(vault, former, fs::copy_options::recursive);
        bert = open("bert");
        connect(*bert);
        exchange(*anna, bert_id, *bert);
        bert.reset();
        fs::remove_all(vault);
        fs::rename(former, vault);
    }
    static int lost_until_nothing_comes(Account& account) {
        int lost = 0;
        for (;;) {
            const auto event = wait(account.next_event(), 1000ms);
            if (event.has_error()) return lost;
            if (std::holds_alternative<sdk::MessageLost>(event->what)) ++lost;
            EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
        }
    }
};

TEST_F(AccountSessions, a_peer_whose_messages_do_not_decrypt_is_left_alone_for_a_while_and_loses_nothing_by_it) {
    lose_the_session_of_bert();
    for (int i = 0; i < limits::session_failures + 2; ++i)
        ASSERT_TRUE(write(*anna, bert_id, "Lage " + std::to_string(i)).has_value());
    bert = open("bert");
    const auto device = device_of(*bert);
    ASSERT_TRUE(eventually([&] { return mailbox(device).waiting == limits::session_failures + 2; }));
    connect(*bert);
    EXPECT_EQ(lost_until_nothing_comes(*bert), limits::session_failures);
    EXPECT_EQ(mailbox(device).waiting, 2U) << "unopened, and neither refused nor lost";
    time.advance(limits::session_failure_forgiven_after);
    reconnect(*bert);
    EXPECT_EQ(lost_until_nothing_comes(*bert), 1) << "one failure was forgiven";
    EXPECT_EQ(mailbox(device).waiting, 1U);
}

TEST_F(AccountSessions, a_loss_is_told_again_until_the_app_has_acknowledged_it) {
    lose_the_session_of_bert();
    ASSERT_TRUE(write(*anna, bert_id, "verloren").has_value());
    const auto lost = [](const sdk::MessageLost& loss) { return loss.from.has_value(); };
    for (int i = 0; i < 3; ++i) {
        bert = open("bert");
        connect(*bert);
        ASSERT_TRUE(find<sdk::MessageLost>(*bert, lost)) << "start " << i;  // read, and the process ends
        bert.reset();
    }
    bert = open("bert");
    connect(*bert);
    EXPECT_TRUE(await<sdk::MessageLost>(*bert, lost));
    const auto device = device_of(*bert);
    EXPECT_TRUE(eventually([&] { return mailbox(device).waiting == 0; }));
}

}  // namespace
}  // namespace melder::testing
