// Officers with more than one device, and devices that have just been enrolled.

#include "core/diagnosis.hpp"
#include "tests/end_to_end/account_fixture.hpp"

namespace melder::testing {
namespace {

class AccountDevices : public AccountsAtServer {
protected:
    void SetUp() override {
        AccountsAtServer::SetUp();
        tablet = enrol("tablet", anna_id, "0815");
        ASSERT_TRUE(tablet);
        reconnect(*anna);                   // learns of the tablet
        exchange(*tablet, anna_id, *anna);  // and shows that it has
    }
    void TearDown() override { tablet.reset(); }
    std::unique_ptr<Account> tablet;
};

TEST_F(AccountDevices, what_an_officer_writes_is_on_his_other_device_as_his_own) {
    const auto sent = write(*anna, bert_id, "Lage ruhig");
    ASSERT_TRUE(sent.has_value());
    const auto copy = read(*tablet);
    ASSERT_TRUE(copy);
    EXPECT_TRUE(copy->own);
    EXPECT_EQ(copy->conversation, bert_id);
    EXPECT_EQ(copy->from.device, device_of(*anna));
    EXPECT_EQ(copy->content_id, *sent);
    EXPECT_EQ(copy->text.view(), "Lage ruhig");
    const auto text = read(*bert);
    ASSERT_TRUE(text);
    EXPECT_FALSE(text->own);
    EXPECT_EQ(text->conversation, anna_id);
    EXPECT_TRUE(await_state(*anna, *sent, SendState::delivered));
}

TEST_F(AccountDevices, a_note_to_oneself_is_on_the_other_device) {
    const auto sent = write(*anna, anna_id, "Schlüssel liegt im Fach");
    ASSERT_TRUE(sent.has_value());
    const auto note = read(*tablet);
    ASSERT_TRUE(note);
    EXPECT_TRUE(note->own);
    EXPECT_EQ(note->conversation, anna_id);
    EXPECT_TRUE(await_state(*anna, *sent, SendState::delivered));
}

TEST_F(AccountDevices, a_message_is_on_each_device_of_its_addressee_and_delivered_with_the_first) {
    const auto sent = write(*bert, anna_id, "Verstanden");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(read(*anna));
    EXPECT_TRUE(await_state(*bert, *sent, SendState::delivered));
    const auto second = read(*tablet);
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->own);
    EXPECT_FALSE(await<SendProgress>(*bert, [&](const auto& progress) {
        return progress.content_id == *sent && progress.state != SendState::stored;
    })) << "told once";
}

TEST_F(AccountDevices, an_own_device_that_is_away_gets_its_copy_later_and_holds_up_nothing) {
    tablet.reset();
    const auto sent = write(*anna, bert_id, "Lage ruhig");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(read(*bert));
    EXPECT_TRUE(await_state(*anna, *sent, SendState::delivered));
    tablet = open("tablet");
    connect(*tablet);
    const auto copy = read(*tablet);
    ASSERT_TRUE(copy);
    EXPECT_TRUE(copy->own);
}

TEST_F(AccountDevices, a_revoked_own_device_gets_no_copy) {
    const auto gone = device_of(*tablet);
    ASSERT_TRUE(world.order(OrderKind::revoke, gone, {&world.chief}).has_value());
    reconnect(*anna);
    ASSERT_TRUE(eventually([&] { return anna->state().log_size > 0; }));
    const auto sent = write(*anna, bert_id, "Lage ruhig");
    ASSERT_TRUE(sent.has_value());
    EXPECT_TRUE(read(*bert));
    EXPECT_TRUE(await_state(*anna, *sent, SendState::delivered));
    EXPECT_EQ(mailbox(gone).waiting, 0U);
}

TEST_F(AccountDevices, a_device_that_has_just_enrolled_is_waited_for) {
    const auto carla_id = system_random().id<OfficerId>();
    auto carla = open("carla");
    const auto self = wait(carla->enrol({.code = issue_code(carla_id, "0817"), .second_part = ""}), 30s);
    ASSERT_TRUE(self.has_value());
    auto sent = sdk::start_future(anna->send({.content_id = anna->new_content_id(),
                                              .to = carla_id,
                                              .text = "Willkommen",
                                              .time_to_live = {},
                                              .expire_after_display = {}}));
    ASSERT_EQ(sent.wait_for(300ms), std::future_status::timeout) << "its prekeys are not there yet";
    connect(*carla);
    EXPECT_TRUE(sent.get().has_value());
    EXPECT_TRUE(read(*carla));
}

TEST_F(AccountDevices, a_device_that_never_publishes_prekeys_is_told_to_the_sender) {
    const auto carla_id = system_random().id<OfficerId>();
    auto carla = open("carla");
    ASSERT_TRUE(wait(carla->enrol({.code = issue_code(carla_id, "0817"), .second_part = ""}), 30s).has_value());
    const auto sent = write(*anna, carla_id, "Hallo");
    ASSERT_TRUE(sent.has_error());
    EXPECT_EQ(sent.error(), Errc::no_prekeys);
}

TEST_F(AccountDevices, a_device_tells_the_help_desk_how_it_fares) {
    const auto well = wait(anna->diagnostics());
    ASSERT_TRUE(well.has_value());
    EXPECT_EQ(well->state.connection, ConnectionState::online);
    EXPECT_FALSE(well->sealing_error);
    EXPECT_EQ(well->grant_version, 1U);
    EXPECT_TRUE(well->one_time_prekeys);
    EXPECT_EQ(parse_diagnosis(well->code)->link, Diagnosis::Link::online);

    ASSERT_TRUE(world.order(OrderKind::revoke, device_of(*anna), {&world.chief}).has_value());
    ASSERT_TRUE(await<ConnectionChanged>(*anna, [](const auto& change) {
        return change.state == ConnectionState::restricted && change.reason && *change.reason == Errc::device_revoked;
    }));
    const auto revoked = wait(anna->diagnostics());
    ASSERT_TRUE(revoked.has_value());
    EXPECT_EQ(revoked->connection_error, Errc::device_revoked);
    EXPECT_EQ(revoked->sealing_error, Errc::device_revoked);
    const auto said = parse_diagnosis(revoked->code);
    ASSERT_TRUE(said.has_value());
    EXPECT_EQ(said->link, Diagnosis::Link::restricted);
    EXPECT_EQ(said->link_error, Errc::device_revoked);
    anna->close();
    EXPECT_EQ(wait(anna->diagnostics()).error(), Errc::closed);
}

}  // namespace
}  // namespace melder::testing
