// Messages between accounts over the real server: what arrives, once, whatever is interrupted.

#include "tests/end_to_end/account_fixture.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;
using sdk::Message;
using sdk::start_future;
using sdk::Urgency;

class AccountMessages : public AccountsAtServer {
protected:
    static bool any_text(const TextReceived&) { return true; }
    /// Receives a text and acknowledges it; empty if none came.
    static std::string read(Account& account) {
        const auto text = AccountsAtServer::read(account);
        return text ? std::string(text->text.view()) : std::string();
    }
    static Message text_to(Account& account, const OfficerId& to, const std::string& text) {
        return {.content_id = account.new_content_id(),
                .to = to,
                .text = text,
                .urgency = Urgency::normal,
                .time_to_live = {},
                .expire_after_display = {}};
    }
};

TEST_F(AccountMessages, two_who_are_online_write_to_each_other) {
    const auto sent = write(*anna, bert_id, "Lage ruhig.");
    ASSERT_TRUE(sent.has_value()) << sent.error().message();
    const auto received = find<TextReceived>(*bert, any_text);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->second.text.view(), "Lage ruhig.");
    EXPECT_EQ(received->second.from.officer, anna_id);
    EXPECT_EQ(received->second.from.service_number, "0815");
    EXPECT_EQ(received->second.conversation, anna_id);
    EXPECT_EQ(received->second.content_id, *sent);
    ASSERT_TRUE(wait(bert->acknowledge(received->first)).has_value());
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(write(*bert, anna_id, "ja " + std::to_string(i)).has_value());
        EXPECT_EQ(read(*anna), "ja " + std::to_string(i));
        ASSERT_TRUE(write(*anna, bert_id, "gut " + std::to_string(i)).has_value());
        EXPECT_EQ(read(*bert), "gut " + std::to_string(i));
    }
}

TEST_F(AccountMessages, the_sender_learns_that_it_is_stored_and_that_it_is_delivered) {
    const auto sent = write(*anna, bert_id, "verstanden?");
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(read(*bert), "verstanden?");
    EXPECT_TRUE(await_state(*anna, *sent, SendState::stored));
    EXPECT_TRUE(await_state(*anna, *sent, SendState::delivered));
}

TEST_F(AccountMessages, a_message_waits_for_a_recipient_who_is_away_through_a_restart_of_the_server) {
    bert.reset();
    const auto sent = write(*anna, bert_id, "für später");
    ASSERT_TRUE(sent.has_value()) << sent.error().message();
    ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    world.stop();
    ASSERT_TRUE(world.start().has_value());
    bert = open("bert");
    connect(*bert);
    EXPECT_EQ(read(*bert), "für später");
}

TEST_F(AccountMessages, what_was_written_without_a_connection_is_sent_with_the_next_one_also_by_the_next_process) {
    ASSERT_TRUE(write(*anna, bert_id, "eins").has_value());
    EXPECT_EQ(read(*bert), "eins");
    anna->disconnect();
    ASSERT_TRUE(
        await<ConnectionChanged>(*anna, [](const auto& change) { return change.state == ConnectionState::offline; }));
    ASSERT_TRUE(write(*anna, bert_id, "zwei").has_value());
    anna.reset();
    anna = open("anna");
    EXPECT_GE(anna->state().waiting_to_send, 1U);
    connect(*anna);
    EXPECT_EQ(read(*bert), "zwei");
}

TEST_F(AccountMessages, a_process_that_dies_after_its_bytes_left_sends_the_very_same_bytes_again) {
    exchange(*anna, bert_id, *bert);
    const auto device = device_of(*bert);
    bert.reset();
    disconnect(*anna);
    ASSERT_TRUE(write(*anna, bert_id, "eins").has_value());
    anna.reset();
    // The vault as it was before the server's answer: the process dies without having seen it.
    const auto vault = world.directory() / "anna", before = world.directory() / "anna-before";
    fs::copy(vault, before, fs::copy_options::recursive);
    for (int i = 0; i < 2; ++i) {
        anna = open("anna");
        connect(*anna);
        // Other bytes under this id would be a conflict, and another id a second envelope.
        EXPECT_TRUE(await<SendProgress>(*anna, [](const auto& progress) {
            EXPECT_NE(progress.state, SendState::failed);
            return progress.state == SendState::stored;
        }));
        EXPECT_EQ(mailbox(device, Lane::normal).waiting, 1U);
        anna.reset();
        fs::remove_all(vault);
        fs::copy(before, vault, fs::copy_options::recursive);
    }
    bert = open("bert");
    connect(*bert);
    EXPECT_EQ(read(*bert), "eins");
}

TEST_F(AccountMessages, what_was_not_acknowledged_comes_again_from_its_pending_row_and_then_never_more) {
    ASSERT_TRUE(write(*anna, bert_id, "noch da?").has_value());
    ASSERT_TRUE(find<TextReceived>(*bert, any_text).has_value());
    bert.reset();
    bert = open("bert");
    connect(*bert);
    // Through the ratchet it could not come again: its key is used up.
    EXPECT_EQ(read(*bert), "noch da?");
    bert.reset();
    bert = open("bert");
    connect(*bert);
    ASSERT_TRUE(write(*anna, bert_id, "danach").has_value());
    EXPECT_EQ(read(*bert), "danach");
}

TEST_F(AccountMessages, the_same_content_id_is_shown_once) {
    const Message message{.content_id = anna->new_content_id(),
                          .to = bert_id,
                          .text = "einmal",
                          .urgency = Urgency::normal,
                          .time_to_live = {},
                          .expire_after_display = {}};
    ASSERT_TRUE(wait(anna->send(message), 10s).has_value());
    EXPECT_EQ(read(*bert), "einmal");
    ASSERT_TRUE(await_state(*anna, message.content_id, SendState::delivered));
    // Its sender has forgotten it by now and sends it again.
    ASSERT_TRUE(wait(anna->send(message), 10s).has_value());
    ASSERT_TRUE(write(*anna, bert_id, "danach").has_value());
    EXPECT_EQ(read(*bert), "danach");
}

TEST_F(AccountMessages, an_unknown_officer_cannot_be_written_to) {
    EXPECT_EQ(write(*anna, system_random().id<OfficerId>(), "hallo?").error(), Errc::not_found);
    EXPECT_EQ(write(*anna, bert_id, "").error(), Errc::bad_argument);
    EXPECT_EQ(write(*anna, bert_id, std::string(limits::text_bytes + 1, 'x')).error(), Errc::bad_argument);
}

TEST_F(AccountMessages, what_a_revoked_device_left_in_the_mailbox_is_not_shown) {
    const auto device = anna->state().self->device;
    bert.reset();
    const auto sent = write(*anna, bert_id, "Geiselnahme, alles stehen lassen");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    ASSERT_TRUE(world.order(OrderKind::revoke, device, {&world.chief}).has_value());
    ASSERT_TRUE(await<ConnectionChanged>(
        *anna, [](const auto& change) { return change.state == ConnectionState::restricted; }));
    world.stop();  // so that the first statement names the order
    ASSERT_TRUE(world.start().has_value());
    const auto carla = enrol("carla", system_random().id<OfficerId>(), "0817");
    bert = open("bert");
    connect(*bert);
    ASSERT_TRUE(write(*carla, bert_id, "ich bin echt").has_value());
    EXPECT_EQ(read(*bert), "ich bin echt");
}

TEST_F(AccountMessages, a_second_device_is_found_by_the_relays_refusal_and_both_receive) {
    ASSERT_TRUE(write(*anna, bert_id, "eins").has_value());
    EXPECT_EQ(read(*bert), "eins");
    const auto tablet = enrol("tablet", bert_id, "0816");
    ASSERT_TRUE(tablet);
    ASSERT_TRUE(write(*anna, bert_id, "zwei").has_value());
    EXPECT_EQ(read(*bert), "zwei");
    EXPECT_EQ(read(*tablet), "zwei");
}

TEST_F(AccountMessages, a_receipt_leaves_although_the_account_closes_right_after_the_message_was_read) {
    for (int i = 0; i < 3; ++i) {
        const auto sent = write(*anna, bert_id, "gelesen und zu");
        ASSERT_TRUE(sent.has_value());
        ASSERT_EQ(read(*bert), "gelesen und zu");
        bert.reset();  // before the receipt's random wait is over
        EXPECT_TRUE(await_state(*anna, *sent, SendState::delivered));
        bert = open("bert");
        connect(*bert);
    }
}

TEST_F(AccountMessages, a_send_that_was_cancelled_before_its_commit_never_leaves) {
    // The first message waits for devices and bundles; the second one is given up behind it.
    auto first = start_future(anna->send(text_to(*anna, bert_id, "eins")));
    auto given_up = anna->send(text_to(*anna, bert_id, "zwei")).start([](const Result<ContentId>& sent) {
        EXPECT_EQ(sent.error(), Errc::cancelled);
    });
    given_up();
    ASSERT_TRUE(first.get().has_value());
    ASSERT_TRUE(write(*anna, bert_id, "drei").has_value());
    EXPECT_EQ(read(*bert), "eins");
    EXPECT_EQ(read(*bert), "drei");
}

}  // namespace
}  // namespace melder::testing
