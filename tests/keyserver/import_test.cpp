// Directory imports: staged in parts, committed as a whole.

#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

class ImportAtTheServer : public PoliceForce {
protected:
    [[nodiscard]] static std::string id(char c) { return std::string(16, c); }
    Result<void> stage(char import, const std::string& number, const Ed25519Seed& key) {
        wire::StageDirectory part;
        part.set_import_id(id(import));
        auto& officer = *part.add_officers();
        officer.set_officer_id(random_.id<OfficerId>().string());
        officer.set_display_name("POK " + number);
        officer.set_service_number(number);
        officer.add_unit("LKA");
        return keyserver_->stage_directory(admin(key), part);
    }
    Result<void> commit(char import, std::uint32_t parts, const Ed25519Seed& key, std::uint64_t version) {
        wire::CommitDirectory request;
        request.set_import_id(id(import));
        request.set_parts(parts);
        request.set_directory_version(version);
        const auto done = keyserver_->commit_directory(admin(key), request);
        if (done.has_error()) return done.error();
        return ok();
    }
    [[nodiscard]] std::uint64_t version() const { return keyserver_->status()->directory_version(); }
    [[nodiscard]] int officers() const { return keyserver_->find_officers({})->officers_size(); }
};

TEST_F(ImportAtTheServer, nothing_is_seen_before_the_commit_and_everything_after) {
    ASSERT_TRUE(stage('a', "1", chief_).has_value());
    ASSERT_TRUE(stage('a', "2", chief_).has_value());
    EXPECT_EQ(officers(), 0);
    ASSERT_TRUE(commit('a', 2, chief_, version()).has_value());
    EXPECT_EQ(officers(), 2);
    EXPECT_EQ(keyserver_->status()->officers(), 2u);
    EXPECT_EQ(commit('a', 2, chief_, version()).error(), Errc::out_of_order) << "once";
}

TEST_F(ImportAtTheServer, a_missing_part_another_import_and_a_changed_directory_change_nothing) {
    const auto before = version();
    ASSERT_TRUE(stage('a', "1", chief_).has_value());
    EXPECT_EQ(commit('a', 2, chief_, before).error(), Errc::out_of_order);
    ASSERT_TRUE(stage('a', "1", chief_).has_value());
    ASSERT_TRUE(stage('b', "2", chief_).has_value());
    EXPECT_EQ(commit('a', 1, chief_, before).error(), Errc::out_of_order);
    ASSERT_TRUE(commit('b', 1, chief_, before).has_value());
    EXPECT_NE(version(), before);
    ASSERT_TRUE(stage('c', "3", chief_).has_value());
    EXPECT_EQ(commit('c', 1, chief_, before).error(), Errc::out_of_order);
    EXPECT_EQ(officers(), 1);
    const auto old = version();
    ASSERT_TRUE(stage('d', "4", chief_).has_value());
    start();
    EXPECT_EQ(commit('d', 1, chief_, version()).error(), Errc::out_of_order) << "a restart forgets what was staged";
    EXPECT_NE(version(), old);
}

TEST_F(ImportAtTheServer, a_bad_part_drops_the_import) {
    ASSERT_TRUE(stage('a', "1", chief_).has_value());
    wire::StageDirectory part;
    part.set_import_id(id('a'));
    part.add_officers()->set_officer_id("short");
    EXPECT_TRUE(keyserver_->stage_directory(admin(chief_), part).has_error());
    EXPECT_EQ(commit('a', 1, chief_, version()).error(), Errc::out_of_order);
    part.set_import_id("short");
    EXPECT_TRUE(keyserver_->stage_directory(admin(chief_), part).has_error());
    EXPECT_EQ(officers(), 0);
}

TEST_F(ImportAtTheServer, removal_takes_officer_unit_and_number_away) {
    wire::PutDirectory put;
    auto& officer = *put.add_officers();
    officer.set_officer_id(meier_.string());
    officer.set_display_name("POK Meier");
    officer.set_service_number("4711");
    officer.add_unit("LKA");
    auto& unit = *put.add_units();
    unit.add_path("LKA");
    unit.set_name("Landeskriminalamt");
    ASSERT_TRUE(keyserver_->put_directory(admin(chief_), put).has_value());
    wire::StageDirectory part;
    part.set_import_id(id('a'));
    *part.add_removed_officers() = officer;
    *part.add_removed_units() = unit;
    ASSERT_TRUE(keyserver_->stage_directory(admin(chief_), part).has_value());
    ASSERT_TRUE(commit('a', 1, chief_, version()).has_value());
    EXPECT_EQ(officers(), 0);
    EXPECT_EQ(keyserver_->status()->officers(), 0u);
    EXPECT_EQ(keyserver_->list_units()->units_size(), 0);
}

TEST_F(ImportAtTheServer, the_right_directory_is_asked_for) {
    EXPECT_EQ(stage('a', "1", clerk_).error(), Errc::missing_right);
    EXPECT_EQ(commit('a', 0, clerk_, version()).error(), Errc::out_of_order) << "nothing was staged";
}

}  // namespace
}  // namespace melder::keyserver::testing
