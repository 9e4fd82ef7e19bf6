#include "sdk/account/prekey_logic.hpp"

#include <gtest/gtest.h>

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;

class PrekeyLogicTest : public testing::Test {
protected:
    PrekeyLogic logic;
    UnixTime now{1'800'000'000'000};
    BootTime boot{1'000'000};
    Hash good = Hash(ByteArray<32>{1}), bad = Hash(ByteArray<32>{2});
    PrekeyLogic::DigestOf own = [this](std::uint32_t) { return good; };

    void start() {
        logic.restore(PrekeyLogic::SignedPrekeyAge{7, now});
        ASSERT_EQ(logic.on_connected(boot).size(), 1U);
    }
    static const MakePrekeys* made(const PrekeyLogic::Actions& actions) {
        return actions.empty() ? nullptr : std::get_if<MakePrekeys>(&actions.front());
    }
};

TEST_F(PrekeyLogicTest, enough_and_matching_prekeys_need_nothing) {
    start();
    EXPECT_TRUE(logic.on_digest({7, 100, good}, own, now).empty());
}

TEST_F(PrekeyLogicTest, below_a_hundred_the_stock_is_filled_up_to_two_hundred) {
    start();
    const auto actions = logic.on_digest({7, 99, good}, own, now);
    ASSERT_NE(made(actions), nullptr);
    EXPECT_EQ(made(actions)->one_time, 101U);
    EXPECT_FALSE(made(actions)->rotate);
    EXPECT_FALSE(made(actions)->replace_all);
}

TEST_F(PrekeyLogicTest, a_server_that_holds_other_prekeys_is_made_to_forget_them_all) {
    start();
    const auto actions = logic.on_digest({7, 150, bad}, own, now);
    ASSERT_NE(made(actions), nullptr);
    EXPECT_TRUE(made(actions)->replace_all);
    EXPECT_EQ(made(actions)->one_time, 200U);
}

TEST_F(PrekeyLogicTest, the_signed_prekey_is_replaced_after_two_days) {
    start();
    EXPECT_TRUE(logic.on_digest({7, 200, good}, own, now + 47h).empty());
    const auto actions = logic.on_digest({7, 200, good}, own, now + 48h);
    ASSERT_NE(made(actions), nullptr);
    EXPECT_TRUE(made(actions)->rotate);
}

TEST_F(PrekeyLogicTest, a_signed_prekey_that_is_not_ours_is_replaced_at_once) {
    start();
    const auto actions = logic.on_digest({8, 200, good}, own, now);
    ASSERT_NE(made(actions), nullptr);
    EXPECT_TRUE(made(actions)->rotate);
}

TEST_F(PrekeyLogicTest, the_servers_low_notice_asks_once_while_an_answer_is_waited_for) {
    start();
    EXPECT_TRUE(logic.on_low(boot).empty());
    (void)logic.on_digest({7, 200, good}, own, now);
    EXPECT_EQ(logic.on_low(boot).size(), 1U);
}

TEST_F(PrekeyLogicTest, the_stock_is_checked_every_twelve_hours) {
    start();
    (void)logic.on_digest({7, 200, good}, own, now);
    EXPECT_TRUE(logic.on_tick(now + 11h, boot + 11h).empty());
    EXPECT_EQ(logic.on_tick(now + 12h, boot + 12h).size(), 1U);
}

TEST_F(PrekeyLogicTest, an_upload_that_failed_is_decided_again_with_the_next_digest) {
    start();
    EXPECT_NE(made(logic.on_digest({7, 0, good}, own, now)), nullptr);
    EXPECT_TRUE(logic.on_low(boot).empty());  // one upload at a time
    logic.on_upload_failed();
    EXPECT_EQ(logic.on_low(boot).size(), 1U);
    EXPECT_NE(made(logic.on_digest({7, 0, good}, own, now)), nullptr);
}

}  // namespace
}  // namespace melder::sdk
