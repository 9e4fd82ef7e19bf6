#include "apps/melder-admin/import_logic.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "core/random.hpp"

namespace melder::admin {
namespace {

using namespace std::chrono_literals;

constexpr UnixTime now{1'800'000'000'000};

ForceOfficer officer(const std::string& number, const std::string& unit = "LKA", const std::string& name = "Anna") {
    return {number, name, UnitPath::parse(unit).value(), {Role::member}};
}
ForceUnit unit(const std::string& path, const std::string& name = "name") {
    return {UnitPath::parse(path).value(), name};
}

class Import : public testing::Test {
protected:
    void know(const ForceOfficer& who, std::optional<UnixTime> absent_since = {}) {
        known_.officers.push_back({random_.id<OfficerId>(), who, absent_since});
    }
    [[nodiscard]] ImportPlan plan() const { return plan_import(known_, wanted_, now); }
    /// A force of `count` in two units; the file names the same.
    void fill(int count) {
        known_.units = wanted_.units = {unit("LKA"), unit("PD")};
        for (int i = 0; i < count; ++i) {
            know(officer(std::to_string(i), i % 2 == 0 ? "LKA" : "PD"));
            wanted_.officers.push_back(known_.officers.back().officer);
        }
    }
    SeededRandom random_{1};
    KnownForce known_;
    Force wanted_;
};

TEST_F(Import, the_same_again_changes_nothing) {
    fill(10);
    EXPECT_TRUE(plan().changes_nothing());
    EXPECT_TRUE(check_removals(plan(), known_, {}).has_value());
}

TEST_F(Import, a_first_import_adds_everything_in_the_order_of_the_file) {
    wanted_.units = {unit("LKA"), unit("LKA/K5")};
    wanted_.officers = {officer("2"), officer("1", "LKA/K5")};
    const auto made = plan();
    EXPECT_EQ(made.units_added.size(), 2u);
    ASSERT_EQ(made.added.size(), 2u);
    EXPECT_EQ(made.added[0].service_number, "2");
    EXPECT_TRUE(check_removals(made, known_, {}).has_value());
}

TEST_F(Import, a_changed_name_unit_or_role_keeps_the_id) {
    fill(4);
    wanted_.officers[0].display_name = "Anna Neu";
    wanted_.officers[1].unit = UnitPath::parse("LKA").value();
    wanted_.officers[2].roles = {Role::member, Role::leader};
    wanted_.units[0].name = "other";
    const auto made = plan();
    ASSERT_EQ(made.changed.size(), 3u);
    EXPECT_EQ(made.changed[0].id, known_.officers[0].id);
    EXPECT_EQ(made.changed[0].officer.display_name, "Anna Neu");
    EXPECT_EQ(made.units_changed.size(), 1u);
    EXPECT_TRUE(made.added.empty());
}

TEST_F(Import, who_is_missing_is_suspended_then_waits_seven_days_then_goes) {
    fill(200);
    wanted_.officers.erase(wanted_.officers.begin(), wanted_.officers.begin() + 3);
    known_.officers[1].absent_since = now - Millis(limits::absence_before_removal) + 1ms;
    known_.officers[2].absent_since = now - Millis(limits::absence_before_removal);
    const auto made = plan();
    ASSERT_EQ(made.suspended.size(), 1u);
    EXPECT_EQ(made.suspended[0].officer.service_number, "0");
    EXPECT_EQ(made.suspended[0].absent_since, now);
    EXPECT_EQ(made.waiting, 1u);
    ASSERT_EQ(made.removed.size(), 1u);
    EXPECT_EQ(made.removed[0].officer.service_number, "2");
}

TEST_F(Import, who_returns_is_no_longer_absent) {
    fill(4);
    known_.officers[0].absent_since = now - Millis(24h);
    const auto made = plan();
    ASSERT_EQ(made.changed.size(), 1u);
    EXPECT_FALSE(made.changed[0].absent_since.has_value());
}

TEST_F(Import, two_percent_may_vanish_and_one_more_needs_a_word) {
    fill(200);
    wanted_.officers.resize(196);
    EXPECT_TRUE(check_removals(plan(), known_, {}).has_value());
    wanted_.officers.resize(195);
    EXPECT_EQ(check_removals(plan(), known_, {}).error().code(), Errc::not_allowed);
    EXPECT_NE(check_removals(plan(), known_, {}).error().detail().find("--allow-removals 5"), std::string::npos);
    EXPECT_TRUE(check_removals(plan(), known_, 4).has_error());
    EXPECT_TRUE(check_removals(plan(), known_, 5).has_value());
}

TEST_F(Import, a_whole_unit_never_vanishes_silently) {
    fill(1000);
    know(officer("x", "K9"));
    known_.units.push_back(unit("K9"));
    auto made = plan();
    ASSERT_EQ(made.emptied.size(), 1u) << "its only officer is missing, the unit is gone";
    EXPECT_TRUE(made.units_removed.empty()) << "an officer who is only absent still names it";
    EXPECT_TRUE(check_removals(made, known_, {}).has_error());
    EXPECT_TRUE(check_removals(made, known_, 2).has_value());

    wanted_.units.push_back(unit("K9"));
    EXPECT_EQ(plan().emptied.size(), 1u) << "named, but empty";
    wanted_.units.pop_back();

    known_.officers.back().absent_since = now - Millis(24h * 8);
    made = plan();
    EXPECT_TRUE(made.emptied.empty()) << "that was confirmed a week ago";
    EXPECT_EQ(made.units_removed.size(), 1u);

    known_.officers.pop_back();
    EXPECT_EQ(plan().emptied.size(), 1u) << "an empty unit that disappears counts too";
}

TEST_F(Import, a_unit_above_others_is_as_alive_as_they_are) {
    known_.units = {unit("LKA"), unit("LKA/K5")};
    know(officer("1", "LKA/K5"));
    wanted_.units = known_.units;
    wanted_.officers = {officer("1", "LKA/K5")};
    EXPECT_TRUE(plan().changes_nothing());
    EXPECT_TRUE(plan().emptied.empty());
}

}  // namespace
}  // namespace melder::admin
