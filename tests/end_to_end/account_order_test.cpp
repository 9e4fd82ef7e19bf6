// What is missing is noticed by its number: a relay that drops an envelope, with everything else in order.

#include "tests/end_to_end/account_fixture.hpp"
#include "tests/end_to_end/stopped_store.hpp"

namespace melder::testing {
namespace {

using sdk::GapNoticed;

class AccountOrder : public AccountsAtServer {
protected:
    void SetUp() override {
        AccountsAtServer::SetUp();
        exchange(*anna, bert_id, *bert);  // number 1
        device = device_of(*bert);
        bert.reset();
    }
    void store(const std::string& text, std::optional<Millis> lives = std::nullopt) {
        const auto sent = write(*anna, bert_id, text, sdk::Urgency::normal, lives);
        ASSERT_TRUE(sent.has_value());
        ASSERT_TRUE(await_state(*anna, *sent, SendState::stored));
    }
    /// Of bert's normal lane, as a relay does that hides something.
    wire::Submit drop_the_oldest() {
        disconnect(*anna);
        auto dropped = take_out_of_the_store(world, device, time);
        EXPECT_TRUE(world.start().has_value());
        connect(*anna);
        return dropped;
    }
    void bert_comes() {
        bert = open("bert");
        connect(*bert);
    }
    /// A minute later for everybody.
    void let_patience_end() {
        time.advance(limits::gap_patience);
        bert->connect();  // looks at the clock
    }
    static bool any(const GapNoticed&) { return true; }
    /// Gaps until nothing comes for a moment.
    static int gaps(Account& account) {
        int out = 0;
        for (;;) {
            const auto event = wait(account.next_event(), 500ms);
            if (event.has_error()) return out;
            if (std::holds_alternative<GapNoticed>(event->what)) ++out;
            EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
        }
    }

    EnrolmentId device;
};

TEST_F(AccountOrder, a_dropped_message_is_noticed_and_shown_if_it_comes_after_all) {
    store("zwei");
    store("drei");
    const auto dropped = drop_the_oldest();
    bert_comes();
    const auto third = read(*bert);
    ASSERT_TRUE(third);
    EXPECT_EQ(third->text.view(), "drei");
    EXPECT_EQ(gaps(*bert), 0) << "it may still be on its way";
    let_patience_end();
    const auto gap = find<GapNoticed>(*bert, any);
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->second.from, device_of(*anna));
    EXPECT_EQ(gap->second.conversation, anna_id);
    EXPECT_EQ(gap->second.first, 2U);
    EXPECT_EQ(gap->second.last, 2U);
    EXPECT_FALSE(gap->second.expired);
    ASSERT_TRUE(wait(bert->acknowledge(gap->first)).has_value());

    const auto stranger = world.login(world.phone(system_random().id<OfficerId>())).value();
    wire::Frame frame;
    *frame.mutable_submit() = dropped;
    ASSERT_TRUE(stranger->request(std::move(frame)).has_value());
    const auto second = read(*bert);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->text.view(), "zwei");
}

TEST_F(AccountOrder, a_gap_is_told_although_the_process_ended_before_its_time) {
    store("zwei");
    store("drei");
    (void)drop_the_oldest();
    bert_comes();
    ASSERT_TRUE(read(*bert));
    bert.reset();
    bert_comes();
    EXPECT_EQ(gaps(*bert), 0);
    let_patience_end();
    EXPECT_EQ(gaps(*bert), 1);
    bert.reset();
    bert_comes();
    let_patience_end();
    EXPECT_EQ(gaps(*bert), 0) << "acknowledged";
}

TEST_F(AccountOrder, the_last_message_is_missed_by_the_senders_heartbeat) {
    store("zwei");
    (void)drop_the_oldest();
    bert_comes();
    time.advance(limits::heartbeat_look);
    anna->connect();  // looks at the clock: bert has confirmed nothing
    ASSERT_TRUE(eventually([&] { return anna->state().waiting_to_send == 0; }));
    EXPECT_EQ(gaps(*bert), 0);
    let_patience_end();
    const auto gap = find<GapNoticed>(*bert, any);
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->second.first, 2U);
    EXPECT_FALSE(gap->second.expired);
}

TEST_F(AccountOrder, what_expired_on_its_way_is_told_apart_from_what_is_missing) {
    bert_comes();
    // The first of a stream of its own, in which everything lives for an hour.
    const auto carla_id = system_random().id<OfficerId>();
    auto carla = enrol("carla", carla_id, "0817");
    ASSERT_TRUE(write(*carla, bert_id, "eins", sdk::Urgency::normal, 1h).has_value());
    ASSERT_TRUE(read(*bert));
    bert.reset();
    const auto sent = write(*carla, bert_id, "zwei", sdk::Urgency::normal, 1h);
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*carla, *sent, SendState::stored));
    time.advance(3h);
    reconnect(*carla);
    const auto third = write(*carla, bert_id, "drei");
    ASSERT_TRUE(third.has_value());
    ASSERT_TRUE(await_state(*carla, *third, SendState::stored));
    bert_comes();
    ASSERT_TRUE(read(*bert));
    ASSERT_TRUE(await_state(*carla, *third, SendState::delivered));
    ASSERT_TRUE(write(*bert, carla_id, "verstanden").has_value());  // carla's receipt says how far she is
    ASSERT_TRUE(read(*carla));
    const auto gap = find<GapNoticed>(*bert, any);
    ASSERT_TRUE(gap);
    EXPECT_EQ(gap->second.first, 2U);
    EXPECT_EQ(gap->second.last, 2U);
    EXPECT_TRUE(gap->second.expired);
}

}  // namespace
}  // namespace melder::testing
