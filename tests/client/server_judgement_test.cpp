#include <gtest/gtest.h>

#include "tests/client/trust_fixture.hpp"

namespace melder::client {
namespace {

class ServerJudgement : public testing::Test, protected test::TrustFixture {
protected:
    Result<ServerHello> judge(const wire::Hello& hello, std::shared_ptr<const TrustList> known = nullptr,
                              std::uint64_t floor = 0) {
        return judge_server(view(hello.SerializeAsString()), key, {roots, std::move(known), floor});
    }
    Hash key = random.id<Hash>();
    Hash other_key = random.id<Hash>();
};

TEST_F(ServerJudgement, a_key_out_of_the_signed_list_is_believed) {
    const auto judged = judge(hello(list(3, key)));
    ASSERT_TRUE(judged.has_value()) << judged.error();
    EXPECT_TRUE(judged->trust_is_new);
    EXPECT_FALSE(judged->offer_trust);
    EXPECT_EQ(judged->trust->version(), 3u);
    EXPECT_EQ(judged->protocol, limits::highest_protocol);
}

TEST_F(ServerJudgement, a_key_outside_the_list_is_refused) {
    EXPECT_EQ(judge(hello(list(3, other_key))).error(), Errc::wrong_server_key);
}

TEST_F(ServerJudgement, a_list_by_another_root_is_refused) {
    const auto stranger = random.secret<Ed25519Seed>();
    SignedBytes document;
    document.body = list(3, key).body;
    sign(document, Context::trust_list, stranger);
    EXPECT_TRUE(judge(hello(document)).has_error());
}

TEST_F(ServerJudgement, a_server_with_an_older_list_is_judged_by_the_newer_and_offered_it) {
    const auto judged = judge(hello(list(3, other_key)), verified(list(4, key)));
    ASSERT_TRUE(judged.has_value()) << judged.error();
    EXPECT_TRUE(judged->offer_trust);
    EXPECT_FALSE(judged->trust_is_new);
    EXPECT_EQ(judged->trust->version(), 4u);
}

TEST_F(ServerJudgement, an_older_list_does_not_bring_back_a_key_that_the_newer_dropped) {
    EXPECT_EQ(judge(hello(list(3, key)), verified(list(4, other_key))).error(), Errc::wrong_server_key);
}

TEST_F(ServerJudgement, two_lists_of_one_version_are_a_conflict) {
    auto changed = fields(3, key);
    changed.longest_lease_s += 1;
    EXPECT_EQ(judge(hello(sign_list(changed)), verified(list(3, key))).error(), Errc::trust_list_conflict);
    EXPECT_TRUE(judge(hello(list(3, key)), verified(list(3, key))).has_value());
}

TEST_F(ServerJudgement, a_list_below_the_floor_of_the_code_is_refused) {
    EXPECT_EQ(judge(hello(list(3, key)), nullptr, 4).error(), Errc::trust_list_too_old);
    EXPECT_TRUE(judge(hello(list(3, key)), nullptr, 3).has_value());
}

TEST_F(ServerJudgement, a_server_that_speaks_other_versions_is_refused) {
    auto message = hello(list(3, key));
    message.set_lowest_version(limits::highest_protocol + 1);
    message.set_highest_version(limits::highest_protocol + 1);
    EXPECT_EQ(judge(message).error(), Errc::version_mismatch);
}

TEST_F(ServerJudgement, a_statement_by_a_stranger_is_refused) {
    Statement statement;
    statement.time = UnixTime::from_seconds(1'800'000'100);
    statement.trust_list_version = 3;
    auto message = hello(list(3, key));
    *message.mutable_statement() = sign_statement(statement, this->statement).to_wire();
    ASSERT_TRUE(judge(message).has_value());
    EXPECT_TRUE(judge(message)->statement.has_value());
    *message.mutable_statement() = sign_statement(statement, random.secret<Ed25519Seed>()).to_wire();
    EXPECT_TRUE(judge(message).has_error());
}

TEST_F(ServerJudgement, a_hello_without_a_whole_nonce_is_malformed) {
    EXPECT_EQ(judge(hello(list(3, key), ByteArray<31>{})).error(), Errc::malformed);
    EXPECT_EQ(judge_server(view("\xff\xff"), key, {roots, nullptr, 0}).error(), Errc::malformed);
}

TEST_F(ServerJudgement, a_relays_key_is_no_keyservers) {
    auto only_relay = fields(3, other_key);
    only_relay.pins.push_back({key, ServerRole::relay});
    const auto judged = judge(hello(sign_list(only_relay)));
    ASSERT_TRUE(judged.has_value()) << judged.error();
    EXPECT_TRUE(judge_services(*judged, true, false).has_value());
    EXPECT_EQ(judge_services(*judged, true, true).error(), Errc::wrong_server_key);
}

}  // namespace
}  // namespace melder::client
