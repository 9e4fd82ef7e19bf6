// The root keys were succeeded: the app's next version pins the new root set, and the phone's vault is from before.

#include <fstream>
#include <iterator>

#include "tests/end_to_end/account_fixture.hpp"

namespace melder::testing {
namespace {

class AccountAfterSuccession : public AccountsAtServer {
protected:
    void SetUp() override {
        AccountsAtServer::SetUp();
        exchange(*anna, bert_id, *bert);
        anna.reset();
        bert.reset();
        former = world.roots;
        root = system_random().secret<Ed25519Seed>();
        successor = {2,
                     1,
                     {ed25519_public_of(root), ed25519_public_of(system_random().secret<Ed25519Seed>())},
                     sha256(former.encode())};
    }
    /// The operator puts the new root set and the list signed under it into their places.
    void succeed_at_the_server() {
        world.stop();
        const auto config = world.config();
        std::ifstream in(config.trust_list_file, std::ios::binary);
        const std::string old{std::istreambuf_iterator<char>(in), {}};
        auto fields = TrustList::verify(SignedBytes::parse(view(old)).value(), former).value().fields();
        ++fields.version;
        fields.root_set_version = 2;
        SignedBytes list{TrustList::encode(fields).value(), {}};
        sign(list, Context::trust_list, root);
        std::ofstream(config.root_set_file, std::ios::binary) << as_chars(successor.encode());
        std::ofstream(config.trust_list_file, std::ios::binary) << as_chars(list.encode());
        world.roots = successor;
        ASSERT_TRUE(world.start().has_value());
    }

    RootSet former, successor;
    Ed25519Seed root;
};

TEST_F(AccountAfterSuccession, a_phone_goes_on_with_its_vault_under_the_new_root_set) {
    succeed_at_the_server();
    anna = open("anna");
    bert = open("bert");
    ASSERT_TRUE(anna && bert);
    EXPECT_EQ(anna->state().trust_list_version, 1U) << "the one it verified before, until it hears of another";
    connect(*anna);
    connect(*bert);
    EXPECT_EQ(anna->state().trust_list_version, 2U);
    exchange(*anna, bert_id, *bert);
    exchange(*bert, anna_id, *anna);
}

TEST_F(AccountAfterSuccession, the_new_app_does_not_believe_a_server_that_still_lives_under_the_former_root_set) {
    const auto port = world.port();
    world.roots = successor;  // what the app pins from now on
    anna = open("anna");
    ASSERT_TRUE(anna);
    ASSERT_NE(port, 0);
    anna->connect();
    EXPECT_TRUE(await<ConnectionChanged>(*anna, [](const auto& change) {
        return change.state == ConnectionState::offline && change.reason && change.reason->code() != Errc::cancelled;
    }));
    world.roots = former;
}

TEST_F(AccountAfterSuccession, the_former_app_does_not_open_what_the_new_one_has_believed) {
    succeed_at_the_server();
    anna = open("anna");
    connect(*anna);
    ASSERT_TRUE(eventually([&] { return anna->state().trust_list_version == 2; }));
    anna.reset();
    world.roots = former;
    EXPECT_TRUE(Account::open(options("anna")).has_error());
    world.roots = successor;
}

}  // namespace
}  // namespace melder::testing
