// Accounts at a server that was put back from a backup: nothing is asked of their users.

#include "tests/end_to_end/account_fixture.hpp"
#include "tests/end_to_end/snapshot.hpp"

namespace melder::testing {
namespace {

class AccountsAtRestoredServer : public AccountsAtServer {
protected:
    [[nodiscard]] bool is_online(const Account& account) const {
        return account.state().connection == ConnectionState::online;
    }
    void back_online(Account& account) {
        account.connect();
        ASSERT_TRUE(eventually([&] { return is_online(account); }));
    }
};

TEST_F(AccountsAtRestoredServer, a_device_that_the_backup_forgot_comes_back_and_is_written_to) {
    disconnect(*bert);
    Snapshot backup(world, data_alone);
    ASSERT_TRUE(world.start().has_value());
    const auto carla_id = system_random().id<OfficerId>();
    const auto carla = enrol("carla", carla_id, "4713");
    ASSERT_NE(carla, nullptr);
    disconnect(*carla);
    backup.put_back();
    ASSERT_TRUE(world.start({.restored = true}).has_value());
    ASSERT_TRUE(eventually([&] { return is_online(*anna); }));
    back_online(*carla);
    // Former prekeys died with the former epoch; carla's new ones are there once she is back.
    ASSERT_TRUE(eventually([&] { return stock(device_of(*carla)) > 0; }));
    const auto sent = write(*anna, carla_id, "bist du wieder da?");
    ASSERT_TRUE(sent.has_value()) << sent.error().message();
    EXPECT_EQ(read(*carla)->text.view(), "bist du wieder da?");
}

TEST_F(AccountsAtRestoredServer, a_snapshot_that_shows_nothing_is_found_out_by_a_device_it_forgot) {
    Snapshot backup(world, whole_machine);
    ASSERT_TRUE(world.start().has_value());
    const auto carla_id = system_random().id<OfficerId>();
    auto carla = enrol("carla", carla_id, "4713");
    ASSERT_NE(carla, nullptr);
    disconnect(*carla);
    backup.put_back();
    ASSERT_TRUE(world.start().has_value());
    back_online(*carla);
    ASSERT_TRUE(eventually([&] { return is_online(*anna); }));
    EXPECT_EQ(write(*anna, carla_id, "hallo").error().code(), Errc::server_restored);

    world.stop();
    ASSERT_TRUE(world.start({.restored = true}).has_value());
    ASSERT_TRUE(eventually([&] { return is_online(*anna) && is_online(*carla); }));
    ASSERT_TRUE(eventually([&] { return stock(device_of(*carla)) > 0; }));
    ASSERT_TRUE(write(*anna, carla_id, "jetzt").has_value());
    EXPECT_EQ(read(*carla)->text.view(), "jetzt");
}

}  // namespace
}  // namespace melder::testing
