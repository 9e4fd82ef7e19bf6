// Safety numbers at a real server: both sides read the same, whatever devices there are, and what a server leaves out
// shows.

#include "tests/end_to_end/account_fixture.hpp"

namespace melder::testing {
namespace {

class AccountSafety : public AccountsAtServer {
protected:
    void TearDown() override { tablet.reset(); }
    static std::string number(Account& account, const OfficerId& with) {
        const auto found = wait(account.safety_number(with), patience_ms);
        EXPECT_TRUE(found.has_value()) << found.error();
        return found.has_value() ? found->digits : std::string();
    }
    std::unique_ptr<Account> tablet;
};

TEST_F(AccountSafety, both_sides_read_the_same_sixty_digits_and_whom_they_cover) {
    const auto at_anna = wait(anna->safety_number(bert_id), patience_ms);
    ASSERT_TRUE(at_anna.has_value()) << at_anna.error();
    EXPECT_EQ(at_anna->digits.size(), 60U);
    EXPECT_EQ(at_anna->digits.find_first_not_of("0123456789"), std::string::npos);
    EXPECT_EQ(at_anna->officer, bert_id);
    ASSERT_EQ(at_anna->own.size(), 1U);
    ASSERT_EQ(at_anna->theirs.size(), 1U);
    EXPECT_EQ(at_anna->own[0].device, device_of(*anna));
    EXPECT_EQ(at_anna->theirs[0].device, device_of(*bert));
    EXPECT_EQ(number(*bert, anna_id), at_anna->digits);

    EXPECT_EQ(at_anna->groups().size(), 71U);
    EXPECT_EQ(at_anna->groups().substr(0, 12), at_anna->digits.substr(0, 5) + " " + at_anna->digits.substr(5, 5) + " ");
    EXPECT_EQ(at_anna->scannable(), "MLDSN1-" + at_anna->digits);
}

TEST_F(AccountSafety, a_device_more_makes_another_number_which_is_the_same_on_every_device) {
    const auto before = number(*anna, bert_id);
    tablet = enrol("tablet", anna_id, "0815");
    ASSERT_TRUE(tablet);
    const auto with_tablet = number(*bert, anna_id);
    EXPECT_NE(with_tablet, before);
    EXPECT_EQ(number(*anna, bert_id), with_tablet) << "without a new connection";
    EXPECT_EQ(number(*tablet, bert_id), with_tablet);

    ASSERT_TRUE(world.order(OrderKind::revoke, device_of(*tablet), {&world.chief}).has_value());
    EXPECT_EQ(number(*anna, bert_id), before) << "a revoked device is covered no more";
    EXPECT_EQ(number(*bert, anna_id), before);
    EXPECT_TRUE(wait(tablet->safety_number(bert_id), patience_ms).has_error());
}

TEST_F(AccountSafety, a_replaced_device_makes_another_number) {
    exchange(*anna, bert_id, *bert);  // so that the former device is known
    const auto before = number(*anna, bert_id);
    const auto next = enrol("bert2", bert_id, "0816", [&](Grant& grant) { grant.replaces = {device_of(*bert)}; });
    ASSERT_TRUE(next);
    const auto after = number(*anna, bert_id);
    EXPECT_NE(after, before);
    EXPECT_EQ(number(*next, anna_id), after);
}

TEST_F(AccountSafety, what_cannot_be_compared_is_refused_with_its_reason) {
    EXPECT_EQ(wait(anna->safety_number(anna_id), patience_ms).error(), Errc::bad_argument);
    EXPECT_EQ(wait(anna->safety_number(system_random().id<OfficerId>()), patience_ms).error(), Errc::not_found);
    disconnect(*anna);
    EXPECT_EQ(wait(anna->safety_number(bert_id), patience_ms).error(), Errc::not_connected);
    EXPECT_EQ(wait(open("nobody")->safety_number(bert_id), patience_ms).error(), Errc::not_enrolled);
    anna->close();
    EXPECT_EQ(wait(anna->safety_number(bert_id), patience_ms).error(), Errc::closed);
}

}  // namespace
}  // namespace melder::testing
