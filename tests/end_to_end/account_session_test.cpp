// Sessions that have gone wrong, between accounts at the real server.

#include "tests/end_to_end/account_fixture.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;
using sdk::MessageLost;

/// The parameter: whether the device that lost its session is the one with the lower id, who starts the new one.
class AccountSessions : public AccountsAtServer, public ::testing::WithParamInterface<bool> {
protected:
    void SetUp() override {
        AccountsAtServer::SetUp();
        const bool anna_is_lower = device_of(*anna) < device_of(*bert);
        if (anna_is_lower == GetParam()) {
            std::swap(anna, bert);
            writer_name = "bert", loser_name = "anna";
            writer_id = bert_id, loser_id = anna_id;
        }
        writer = std::move(anna);
        loser = std::move(bert);
    }
    void TearDown() override {
        writer.reset();
        loser.reset();
    }

    /// The loser's vault as it was before the two had a session; what the writer sends then is nothing to it.
    void lose_the_session() {
        const auto vault = world.directory() / loser_name, former = world.directory() / "yesterday";
        loser.reset();
        fs::copy(vault, former, fs::copy_options::recursive);
        reopen();
        exchange(*writer, loser_id, *loser);
        loser.reset();
        fs::remove_all(vault);
        fs::rename(former, vault);
    }
    void reopen() {
        loser = open(loser_name);
        connect(*loser);
    }
    /// Texts and losses until nothing has come for a moment.
    struct Arrived {
        std::vector<std::string> texts;
        int lost = 0;
    };
    static Arrived all_that_comes(Account& account) {
        Arrived out;
        for (;;) {
            const auto event = wait(account.next_event(), 1000ms);
            if (event.has_error()) return out;
            if (const auto* text = std::get_if<TextReceived>(&event->what)) out.texts.emplace_back(text->text.view());
            if (std::holds_alternative<MessageLost>(event->what)) ++out.lost;
            EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
        }
    }
    static bool is_of_a_peer(const MessageLost& loss) { return loss.from.has_value(); }

    std::string writer_name = "anna", loser_name = "bert";
    OfficerId writer_id = anna_id, loser_id = bert_id;
    std::unique_ptr<Account> writer, loser;
};

TEST_P(AccountSessions, what_cannot_be_read_is_sent_again_in_a_new_session_once_and_nothing_is_lost) {
    lose_the_session();
    const auto sent = write(*writer, loser_id, "Lage ruhig");
    ASSERT_TRUE(sent.has_value());
    reopen();
    const auto text = read(*loser);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text.view(), "Lage ruhig");
    EXPECT_EQ(text->content_id, *sent);
    EXPECT_TRUE(await_state(*writer, *sent, SendState::delivered));
    const auto more = all_that_comes(*loser);
    EXPECT_TRUE(more.texts.empty());
    EXPECT_EQ(more.lost, 0);
    EXPECT_EQ(mailbox(device_of(*loser)).waiting, 0U);
    // And both ways from then on.
    exchange(*writer, loser_id, *loser);
    exchange(*loser, writer_id, *writer);
}

TEST_P(AccountSessions, what_is_not_kept_any_more_is_told_as_lost_until_the_app_has_acknowledged_it) {
    lose_the_session();
    ASSERT_TRUE(write(*writer, loser_id, "verloren").has_value());
    time.advance(limits::outbox_content_longest);
    reconnect(*writer);
    reopen();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(find<MessageLost>(*loser, is_of_a_peer)) << "start " << i;  // read, and the process ends
        loser.reset();
        loser = open(loser_name);
    }
    EXPECT_TRUE(await<MessageLost>(*loser, is_of_a_peer));
    loser.reset();
    reopen();
    EXPECT_EQ(all_that_comes(*loser).lost, 0) << "acknowledged";
}

TEST_P(AccountSessions, a_request_that_nobody_answers_is_told_as_lost_after_a_day) {
    lose_the_session();
    ASSERT_TRUE(write(*writer, loser_id, "verloren").has_value());
    ASSERT_TRUE(eventually([&] { return writer->state().waiting_to_send == 0; }));
    writer.reset();
    reopen();
    const auto before = all_that_comes(*loser);
    EXPECT_TRUE(before.texts.empty());
    EXPECT_EQ(before.lost, 0) << "it may still come";
    EXPECT_EQ(mailbox(device_of(*loser)).waiting, 0U);
    loser.reset();
    time.advance(limits::outbox_content_longest);
    reopen();
    EXPECT_TRUE(await<MessageLost>(*loser, is_of_a_peer));
}

TEST_P(AccountSessions, a_request_is_answered_although_the_one_who_is_asked_was_away) {
    lose_the_session();
    ASSERT_TRUE(write(*writer, loser_id, "Lage ruhig").has_value());
    ASSERT_TRUE(eventually([&] { return writer->state().waiting_to_send == 0; }));
    writer.reset();
    reopen();
    EXPECT_TRUE(all_that_comes(*loser).texts.empty());
    writer = open(writer_name);
    connect(*writer);
    const auto text = read(*loser);
    ASSERT_TRUE(text);
    EXPECT_EQ(text->text.view(), "Lage ruhig");
}

TEST_P(AccountSessions, a_peer_whose_messages_do_not_decrypt_is_left_alone_for_a_while_and_loses_nothing_by_it) {
    lose_the_session();
    constexpr auto failures = static_cast<std::size_t>(limits::session_failures);
    for (std::size_t i = 0; i < failures + 2; ++i)
        ASSERT_TRUE(write(*writer, loser_id, "Lage " + std::to_string(i)).has_value());
    loser = open(loser_name);
    const auto device = device_of(*loser);
    ASSERT_TRUE(eventually([&] { return mailbox(device, Lane::normal).waiting == failures + 2; }));
    connect(*loser);
    const auto first = all_that_comes(*loser);
    EXPECT_EQ(first.texts.size(), failures) << "what was asked for is not held up";
    EXPECT_EQ(first.lost, 0);
    EXPECT_EQ(mailbox(device, Lane::normal).waiting, 2U) << "unopened, and neither refused nor lost";
    time.advance(limits::session_failure_forgiven_after);
    loser->connect();  // looks at the clock
    EXPECT_EQ(all_that_comes(*loser).texts.size(), 1U) << "one failure was forgiven";
    EXPECT_EQ(mailbox(device, Lane::normal).waiting, 1U);
    time.advance(limits::session_failure_forgiven_after);
    reconnect(*loser);
    EXPECT_EQ(all_that_comes(*loser).texts.size(), 1U);
    EXPECT_EQ(mailbox(device, Lane::normal).waiting, 0U);
}

INSTANTIATE_TEST_SUITE_P(OfEitherId, AccountSessions, ::testing::Bool(),
                         [](const auto& lower) { return lower.param ? "the_lower_id" : "the_higher_id"; });

}  // namespace
}  // namespace melder::testing
