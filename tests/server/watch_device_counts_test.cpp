#include "server/watch/device_counts.hpp"

#include <gtest/gtest.h>

namespace melder::server {
namespace {

class DeviceCountsTest : public ::testing::Test {
protected:
    void enter(std::uint8_t device, UnixTime ends) {
        DeviceRow row;
        row.device = EnrolmentId(ByteArray<16>{device});
        row.not_after = ends;
        row.bound.emplace();
        FeedBatch batch;
        batch.cursor = ++cursor;
        batch.devices = {row};
        batch.caught_up = true;
        view.apply(batch);
    }
    ManualClock clock;
    DirectoryView view{clock};
    DeviceCounts counts{view, clock};
    Cursor cursor = 0;
};

TEST_F(DeviceCountsTest, a_change_of_the_directory_shows_at_once) {
    EXPECT_EQ(counts.recent().active, 0U);
    enter(1, clock.wall() + std::chrono::hours(1));
    EXPECT_EQ(counts.recent().active, 1U);
    enter(2, clock.wall() + std::chrono::hours(2));
    EXPECT_EQ(counts.recent().active, 2U);
    EXPECT_EQ(counts.recent().first_grant_ends, clock.wall() + std::chrono::hours(1));
}

TEST_F(DeviceCountsTest, what_time_changes_shows_ten_seconds_later_and_is_not_counted_for_before) {
    enter(1, clock.wall() + std::chrono::seconds(1));
    EXPECT_EQ(counts.recent().active, 1U);
    clock.advance(std::chrono::milliseconds(9'999));
    EXPECT_EQ(counts.recent().active, 1U);
    clock.advance(std::chrono::milliseconds(1));
    EXPECT_EQ(counts.recent().active, 0U);
}

}  // namespace
}  // namespace melder::server
