// Account::search at a real server: who is found, how pages follow, what a device may not do.

#include "core/limits.hpp"
#include "tests/end_to_end/account_fixture.hpp"

namespace melder::testing {
namespace {

class AccountSearch : public AccountsAtServer {
protected:
    void SetUp() override {
        AccountsAtServer::SetUp();
        ASSERT_TRUE(world.put_officer(anna_id, "Anna Meier", "1", {"LKA", "K5"}).has_value());
        ASSERT_TRUE(world.put_officer(bert_id, "Bert Müller", "2", {"LKA"}).has_value());
        ASSERT_TRUE(world.put_officer(system_random().id<OfficerId>(), "Carl Müller", "3", {"LKA"}).has_value());
    }
    [[nodiscard]] static Result<sdk::OfficersPage> search(Account& account, sdk::SearchQuery query) {
        return wait(account.search(std::move(query)), patience_ms);
    }
};

TEST_F(AccountSearch, finds_whoever_has_a_device_as_his_certificate_names_him) {
    const auto page = search(*anna, {.text = "mueller", .after = {}});
    ASSERT_TRUE(page.has_value()) << page.error();
    ASSERT_EQ(page->officers.size(), 1U) << "Carl has no device";
    EXPECT_EQ(page->officers[0].officer, bert_id);
    EXPECT_EQ(page->officers[0].device, device_of(*bert));
    EXPECT_EQ(page->officers[0].display_name, bert->state().self->display_name);
    EXPECT_FALSE(page->next);
    EXPECT_TRUE(write(*anna, page->officers[0].officer, "Gefunden.").has_value());
}

TEST_F(AccountSearch, pages_follow_each_other) {
    const auto first = search(*anna, {.text = "lka", .after = {}, .limit = 1});
    ASSERT_TRUE(first.has_value()) << first.error();
    ASSERT_EQ(first->officers.size(), 1U);
    EXPECT_EQ(first->officers[0].officer, anna_id);
    ASSERT_TRUE(first->next);
    const auto second = search(*anna, {.text = "lka", .after = first->next, .limit = 1});
    ASSERT_TRUE(second.has_value()) << second.error();
    ASSERT_EQ(second->officers.size(), 1U);
    EXPECT_EQ(second->officers[0].officer, bert_id);
    EXPECT_FALSE(second->next);
}

TEST_F(AccountSearch, wrong_questions_are_refused) {
    EXPECT_EQ(search(*anna, {.text = "", .after = {}}).error(), Errc::bad_argument);
    EXPECT_EQ(search(*anna, {.text = "--", .after = {}}).error(), Errc::bad_argument);
    EXPECT_EQ(search(*anna, {.text = std::string(limits::search_text_bytes + 1, 'a'), .after = {}}).error(),
              Errc::bad_argument);
    EXPECT_EQ(search(*anna, {.text = "a", .after = {}, .limit = 0}).error(), Errc::bad_argument);
    EXPECT_EQ(search(*anna, {.text = "a", .after = {}, .limit = limits::search_page + 1}).error(), Errc::bad_argument);
    EXPECT_EQ(search(*anna, {.text = "a", .after = system_random().id<OfficerId>()}).error(), Errc::out_of_order);
    disconnect(*anna);
    EXPECT_EQ(search(*anna, {.text = "a", .after = {}}).error(), Errc::not_connected);
}

TEST_F(AccountSearch, too_many_searches_are_told_how_long_to_wait) {
    Result<sdk::OfficersPage> page = Errc::internal;
    std::uint32_t searches = 0;
    for (;; ++searches) {
        page = search(*anna, {.text = "meier", .after = {}});
        if (page.has_error()) break;
        ASSERT_LT(searches, 10 * limits::searches_burst);
    }
    EXPECT_EQ(page.error(), Errc::busy);
    EXPECT_GE(searches, limits::searches_burst);
    EXPECT_GT(page.error().retry_after_ms(), 0U);
    EXPECT_LE(Millis(page.error().retry_after_ms()), Millis(limits::searches_interval));
    EXPECT_TRUE(search(*bert, {.text = "meier", .after = {}}).has_value()) << "each device has its own limit";
}

TEST_F(AccountSearch, a_cancelled_search_ends_so) {
    std::promise<Result<sdk::OfficersPage>> ended;
    const auto cancel =
        anna->search({.text = "lka", .after = {}}).start([&](auto page) { ended.set_value(std::move(page)); });
    cancel();
    const auto page = ended.get_future().get();
    EXPECT_TRUE(page.has_value() || page.error() == Errc::cancelled);
    disconnect(*anna);  // nothing will answer now
    std::promise<Result<sdk::OfficersPage>> second;
    const auto stop =
        anna->search({.text = "lka", .after = {}}).start([&](auto found) { second.set_value(std::move(found)); });
    stop();
    EXPECT_TRUE(second.get_future().get().has_error());
}

}  // namespace
}  // namespace melder::testing
