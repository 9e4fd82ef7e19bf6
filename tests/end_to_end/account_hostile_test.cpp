// A relay that alters what it passes on, or gives it to somebody else under another name: a genuine envelope is taken
// out of the server's store, changed in one place and sent in again. Only the unchanged one is ever shown.

#include "tests/end_to_end/account_fixture.hpp"
#include "tests/end_to_end/stopped_store.hpp"

namespace melder::testing {
namespace {

class AccountAtHostileRelay : public AccountsAtServer {
protected:
    void SetUp() override {
        AccountsAtServer::SetUp();
        exchange(*anna, bert_id, *bert);
        device = device_of(*bert);
        bert.reset();
        const auto sent = write(*anna, bert_id, "echt");
        ASSERT_TRUE(sent.has_value());
        ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
        anna.reset();
        genuine = take_out_of_the_store(world, device, time);
        ASSERT_TRUE(world.start().has_value());
        stranger = world.login(world.phone(system_random().id<OfficerId>())).value();
        bert = open("bert");
        connect(*bert);
    }

    void pass_on(const wire::Submit& submit) {
        wire::Frame frame;
        *frame.mutable_submit() = submit;
        const auto reply = stranger->request(std::move(frame));
        ASSERT_TRUE(reply.has_value()) << reply.error().message();
        ASSERT_EQ(reply->submit_result().results(0).code(), 0U);
    }
    /// Refused by the phone: kept by the server, and shown to nobody.
    void expect_refused(const std::function<void(wire::Submit&)>& change) {
        auto changed = genuine;
        change(changed);
        pass_on(changed);
        EXPECT_FALSE(has_text(*bert));
        EXPECT_EQ(mailbox(device).waiting, 1U) << "neither acknowledged nor lost";
        pass_on(genuine);
        const auto text = read(*bert);
        ASSERT_TRUE(text) << "the genuine one is not shown either: the test shows nothing";
        EXPECT_EQ(text->text.view(), "echt");
    }
    static void give_another_id(wire::Submit& submit) {
        submit.set_envelope_id(system_random().id<EnvelopeId>().string());
    }
    static void flip(std::string& bytes, std::size_t at) { bytes[at] = static_cast<char>(bytes[at] ^ 1); }

    EnrolmentId device;
    wire::Submit genuine;
    std::unique_ptr<Link> stranger;
};

TEST_F(AccountAtHostileRelay, the_same_envelope_under_another_id_is_refused) {
    expect_refused(give_another_id);
}
TEST_F(AccountAtHostileRelay, another_lane_is_refused) {
    expect_refused([](wire::Submit& submit) {
        give_another_id(submit);
        (*submit.mutable_body()->mutable_header())[1] = static_cast<char>(Lane::urgent);
    });
}
TEST_F(AccountAtHostileRelay, another_expiry_is_refused) {
    expect_refused([](wire::Submit& submit) {
        give_another_id(submit);
        flip(*submit.mutable_body()->mutable_header(), 8);
    });
}
TEST_F(AccountAtHostileRelay, a_changed_body_is_refused_and_told_as_unreadable_of_an_unknown_sender) {
    auto changed = genuine;
    give_another_id(changed);
    flip(*changed.mutable_body()->mutable_sealed(), 100);
    pass_on(changed);
    EXPECT_TRUE(await<sdk::MessageLost>(*bert, [](const auto& loss) { return !loss.from; }));
    EXPECT_EQ(mailbox(device).waiting, 1U);
}
TEST_F(AccountAtHostileRelay, a_changed_key_or_tag_is_refused) {
    expect_refused([](wire::Submit& submit) {
        give_another_id(submit);
        flip(*submit.mutable_headers(0)->mutable_tag(), 0);
    });
}
TEST_F(AccountAtHostileRelay, an_envelope_for_one_device_is_nothing_to_another) {
    auto carla = enrol("carla", system_random().id<OfficerId>(), "0817");
    auto moved = genuine;
    give_another_id(moved);
    moved.mutable_headers(0)->set_recipient(device_of(*carla).string());
    pass_on(moved);
    EXPECT_FALSE(has_text(*carla));
    EXPECT_EQ(mailbox(device_of(*carla)).waiting, 1U);
}
TEST_F(AccountAtHostileRelay, the_same_id_with_other_bytes_is_a_conflict_for_its_sender) {
    pass_on(genuine);
    ASSERT_TRUE(find<TextReceived>(*bert, [](const auto&) { return true; }));  // in bert's memory, unacknowledged
    disconnect(*bert);
    ASSERT_TRUE(eventually([&] { return mailbox(device).waiting == 1; }));
    auto other = genuine;
    flip(*other.mutable_body()->mutable_sealed(), 100);
    wire::Frame frame;
    *frame.mutable_submit() = other;
    const auto reply = stranger->request(std::move(frame));
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->submit_result().results(0).code(), static_cast<std::uint32_t>(Errc::envelope_conflict));
}
TEST_F(AccountAtHostileRelay, what_was_acknowledged_is_never_shown_again) {
    pass_on(genuine);
    ASSERT_TRUE(read(*bert));
    reconnect(*bert);
    pass_on(genuine);
    EXPECT_FALSE(has_text(*bert));
    bert.reset();
    bert = open("bert");
    connect(*bert);
    EXPECT_FALSE(has_text(*bert));
}

}  // namespace
}  // namespace melder::testing
