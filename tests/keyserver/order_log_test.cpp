#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

TEST_F(PoliceForce, a_revoked_device_gets_a_restricted_session_and_is_no_recipient) {
    const auto phone = enrolled(meier_);
    std::vector<DeviceStanding> seen;
    view_->subscribe([&](const server::DeviceChange& change) { seen.push_back(change.now); });
    ASSERT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc{});
    EXPECT_EQ(seen, std::vector{DeviceStanding::revoked});
    EXPECT_TRUE(view_->active_devices(meier_, default_app, clock_.wall()).empty());
    wire::LoginBody body;
    body.set_enrolment_id(phone.id.string());
    body.set_version(1);
    EXPECT_EQ(authority_->find_device(view(body.SerializeAsString()))->peer.kind, server::Peer::Kind::restricted);
}

TEST_F(PoliceForce, restoring_takes_two_keys) {
    const auto phone = enrolled(meier_);
    ASSERT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc{});
    EXPECT_NE(put_orders({order(OrderKind::restore, phone.id, {&chief_})}), Errc{});
    EXPECT_EQ(put_orders({order(OrderKind::restore, phone.id, {&chief_, &deputy_})}), Errc{});
    EXPECT_EQ(view_->find(phone.id)->standing, DeviceStanding::active);
}

TEST_F(PoliceForce, orders_are_carried_out_all_or_none) {
    const auto one = enrolled(meier_), two = enrolled(schulz_);
    const auto before = log_size();
    EXPECT_EQ(put_orders({order(OrderKind::revoke, one.id, {&chief_}), order(OrderKind::revoke, two.id, {&clerk_})}),
              Errc::missing_right);
    EXPECT_EQ(log_size(), before);
    EXPECT_EQ(view_->find(one.id)->standing, DeviceStanding::active);
}

TEST_F(PoliceForce, an_order_is_never_replayed) {
    const auto phone = enrolled(meier_);
    const auto revoke = order(OrderKind::revoke, phone.id, {&chief_});
    ASSERT_EQ(put_orders({revoke}), Errc{});
    ASSERT_EQ(put_orders({order(OrderKind::restore, phone.id, {&chief_, &deputy_})}), Errc{});
    EXPECT_EQ(put_orders({revoke}), Errc::log_invalid);
    EXPECT_EQ(view_->find(phone.id)->standing, DeviceStanding::active);
}

TEST_F(PoliceForce, above_twenty_orders_an_hour_a_second_key_must_sign) {
    const auto phone = enrolled(meier_);
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc{});
    EXPECT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc::needs_more_signatures);
    EXPECT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_, &deputy_})}), Errc{});
}

TEST_F(PoliceForce, a_restart_does_not_give_a_key_another_twenty_orders) {
    const auto phone = enrolled(meier_);
    for (int i = 0; i < 19; ++i)
        ASSERT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc{});
    clock_.advance(std::chrono::minutes(30));
    ASSERT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc{});
    start();
    EXPECT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc::needs_more_signatures);
    clock_.advance(std::chrono::minutes(31));
    start();
    EXPECT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc{}) << "the first nineteen are old";
}

TEST_F(PoliceForce, wipe_and_appoint_are_not_built_yet_and_say_so) {
    const auto phone = enrolled(meier_);
    EXPECT_EQ(put_orders({order(OrderKind::wipe, phone.id, {&chief_, &deputy_})}), Errc::unsupported);
}

TEST_F(PoliceForce, the_log_is_chained_and_read_in_pages) {
    const auto phone = enrolled(meier_);
    ASSERT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc{});
    OrderBook reader;
    while (reader.size() < log_size()) {
        wire::FetchLog request;
        request.set_from_index(reader.size());
        request.set_limit(1);
        const auto page = keyserver_->fetch_log(request).value();
        ASSERT_EQ(page.entries_size(), 1);
        ASSERT_TRUE(reader.apply(view(page.entries(0)), *keyserver_->trust()).has_value());
    }
    wire::FetchStatement request;
    request.set_client_nonce(std::string(16, 'n'));
    const auto document = SignedBytes::from(keyserver_->fetch_statement(request)->statement()).value();
    const auto statement = Statement::verify(document, *keyserver_->trust()).value();
    EXPECT_EQ(statement.log_head, reader.head());
    EXPECT_EQ(statement.log_size, reader.size());
    EXPECT_EQ(statement.time, clock_.wall());
    ASSERT_TRUE(statement.client_nonce.has_value());
    EXPECT_EQ((*statement.client_nonce)[0], 'n');
}

TEST_F(PoliceForce, a_newer_trust_list_comes_into_force_and_an_older_one_never_again) {
    const auto before = log_size();
    const auto next = sign_list(2);
    ASSERT_TRUE(keyserver_->put_trust_list(next).has_value());
    EXPECT_EQ(keyserver_->trust()->version(), 2u);
    EXPECT_EQ(log_size(), before + 1);
    EXPECT_TRUE(keyserver_->put_trust_list(next).has_value());  // the same again is fine and no entry
    EXPECT_EQ(log_size(), before + 1);
    EXPECT_EQ(keyserver_->put_trust_list(list_).error().code(), Errc::trust_list_too_old);
    EXPECT_EQ(keyserver_->put_trust_list(sign_list(2)).error().code(), Errc::trust_list_conflict);
    auto forged = sign_list(3);
    forged.signatures[0].signature[0] ^= 1;
    EXPECT_TRUE(keyserver_->put_trust_list(forged).has_error());
    EXPECT_EQ(keyserver_->trust()->version(), 2u);
}

TEST_F(PoliceForce, a_list_that_distrusts_a_key_undoes_its_orders_and_the_log_stays_readable) {
    const auto one = enrolled(meier_), two = enrolled(schulz_);
    ASSERT_EQ(put_orders({order(OrderKind::revoke, one.id, {&chief_})}), Errc{});
    ASSERT_EQ(put_orders({order(OrderKind::revoke, two.id, {&deputy_})}), Errc{});
    ASSERT_TRUE(keyserver_->put_trust_list(sign_list(2, KeyState::distrusted)).has_value());
    EXPECT_EQ(view_->find(one.id)->standing, DeviceStanding::active);
    EXPECT_EQ(view_->find(two.id)->standing, DeviceStanding::revoked);
    EXPECT_NE(put_orders({order(OrderKind::revoke, one.id, {&chief_})}), Errc{});
    start();
    EXPECT_EQ(view_->find(one.id)->standing, DeviceStanding::active);
    EXPECT_EQ(view_->find(two.id)->standing, DeviceStanding::revoked);
    EXPECT_EQ(put_orders({order(OrderKind::revoke, one.id, {&deputy_})}), Errc{}) << "the target's chain goes on";
    EXPECT_EQ(view_->find(one.id)->standing, DeviceStanding::revoked);
}

TEST_F(PoliceForce, a_list_under_which_the_log_cannot_be_read_is_refused_and_changes_nothing) {
    const auto phone = enrolled(meier_);
    ASSERT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc{});
    const auto size = log_size();
    const auto refused = keyserver_->put_trust_list(sign_list(2, KeyState::retired));  // retired before the first entry
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().code(), Errc::log_invalid);
    EXPECT_NE(refused.error().detail().find("keeps every key"), std::string::npos);
    EXPECT_EQ(keyserver_->trust()->version(), 1u);
    EXPECT_EQ(log_size(), size);
    EXPECT_EQ(view_->find(phone.id)->standing, DeviceStanding::revoked);
}

TEST_F(PoliceForce, a_restart_knows_everything_again) {
    const auto phone = enrolled(meier_);
    ASSERT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc{});
    const auto size = log_size();
    start();
    EXPECT_EQ(log_size(), size);
    EXPECT_EQ(view_->find(phone.id)->standing, DeviceStanding::revoked);
}

TEST_F(PoliceForce, a_rolled_back_store_is_refused_and_replayed_when_declared) {
    const auto phone = enrolled(meier_);
    const auto backup = rows_;
    ASSERT_EQ(put_orders({order(OrderKind::revoke, phone.id, {&chief_})}), Errc{});
    const auto size = log_size();
    stop();
    rows_ = backup;
    EXPECT_EQ(try_start().error().code(), Errc::store_epoch_mismatch);
    start(true);
    EXPECT_EQ(log_size(), size);
    EXPECT_EQ(view_->find(phone.id)->standing, DeviceStanding::revoked);
}

TEST_F(PoliceForce, a_log_that_contradicts_its_second_place_stops_the_start) {
    stop();
    {
        std::ofstream(copy_file_, std::ios::trunc);
    }
    OrderLogCopy::open(copy_file_)->append({Bytes{1, 2, 3}}).value();
    EXPECT_EQ(try_start().error().code(), Errc::log_fork);
}

TEST_F(PoliceForce, a_second_place_without_room_says_so_before_anything_is_written) {
    auto copy = OrderLogCopy::open(copy_file_).value();
    const auto size = std::filesystem::file_size(copy_file_);
    EXPECT_EQ(copy.reserve(std::uint64_t{1} << 62).error(), Errc::storage_full);
    EXPECT_TRUE(copy.reserve(100'000).has_value());
    EXPECT_EQ(std::filesystem::file_size(copy_file_), size) << "room, no bytes";
    ASSERT_TRUE(copy.append({Bytes{1, 2, 3}}).has_value());
    EXPECT_EQ(OrderLogCopy::open(copy_file_)->size(), copy.size());
}

TEST_F(PoliceForce, a_second_place_that_lags_after_a_crash_catches_up) {
    stop();
    {
        std::ofstream(copy_file_, std::ios::trunc);
    }
    start();
    EXPECT_EQ(OrderLogCopy::open(copy_file_)->size(), log_size());
}

TEST_F(PoliceForce, a_torn_tail_of_the_second_place_is_cut_and_a_flipped_byte_stops_the_start) {
    const auto phone = enrolled(meier_);
    ASSERT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc{});
    stop();
    std::filesystem::resize_file(copy_file_, std::filesystem::file_size(copy_file_) - 3);
    start();
    EXPECT_EQ(OrderLogCopy::open(copy_file_)->size(), log_size());
    stop();
    std::fstream(copy_file_, std::ios::in | std::ios::out | std::ios::binary).seekp(6).put('\xff');
    EXPECT_EQ(try_start().error().code(), Errc::store_corrupt);
}

TEST_F(PoliceForce, a_clock_that_lies_before_list_or_log_stops_the_start) {
    const auto phone = enrolled(meier_);
    clock_.advance(std::chrono::hours(30));
    ASSERT_EQ(put_orders({order(OrderKind::suspend, phone.id, {&chief_})}), Errc{});
    clock_.set_wall(clock_.wall() - Millis(std::chrono::minutes(59)));
    EXPECT_TRUE(try_start().has_value());
    clock_.set_wall(clock_.wall() - Millis(std::chrono::hours(5)));
    const auto refused = try_start();
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().code(), Errc::clock_skew);
    EXPECT_NE(refused.error().detail().find("5 hours"), std::string::npos) << refused.error().detail();
    rows_.clear();
    std::filesystem::resize_file(copy_file_, 0);
    EXPECT_TRUE(try_start().has_value()) << "the list is older than that";
    stop();
    rows_.clear();
    std::filesystem::resize_file(copy_file_, 0);
    clock_.set_wall(clock_.wall() - Millis(std::chrono::hours(48)));
    EXPECT_EQ(try_start().error().code(), Errc::clock_skew);
}

TEST_F(PoliceForce, another_directory_key_stops_the_start) {
    stop();
    master_ = random_.secret<DirectoryKey::Master>();
    EXPECT_EQ(try_start().error().code(), Errc::wrong_directory_key);
    EXPECT_EQ(DirectoryKey::load("/nonexistent/key").error().code(), Errc::wrong_directory_key);
}

TEST_F(PoliceForce, no_name_rests_readable) {
    (void)enrolled(meier_);
    wire::PutDirectory request;
    auto& officer = *request.add_officers();
    officer.set_officer_id(meier_.string());
    officer.set_display_name("POK Meier");
    officer.set_service_number("4711");
    officer.add_unit("LKA");
    auto& unit = *request.add_units();
    unit.add_path("LKA");
    unit.set_name("Landeskriminalamt");
    ASSERT_TRUE(keyserver_->put_directory(admin(chief_), request).has_value());
    for (const auto& [key, value] : rows_) {
        for (const std::string name : {"Meier", "4711", "Landeskriminalamt"}) {
            EXPECT_EQ(key.find(name), std::string::npos);
            EXPECT_EQ(value.find(name), std::string::npos);
        }
    }
    wire::FindOfficers query;
    query.set_prefix("Mei");
    EXPECT_EQ(keyserver_->find_officers(query)->officers(0).service_number(), "4711");
    EXPECT_EQ(keyserver_->list_units()->units(0).name(), "Landeskriminalamt");
    EXPECT_EQ(keyserver_->put_directory(admin(clerk_), request).error().code(), Errc::missing_right);
}

}  // namespace
}  // namespace melder::keyserver::testing
