#include <gtest/gtest.h>

#include "relay/rate_limits.hpp"

namespace melder::relay {
namespace {

TEST(RateLimits, a_burst_is_allowed_and_then_what_flows_back_in_time) {
    RateLimits<int> limits({3, 2}, 10);
    const BootTime start{1000};
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(limits.take(1, start), 0u);
    const auto wait = limits.take(1, start);
    EXPECT_GE(wait, 500u);
    EXPECT_LE(wait, 501u);
    EXPECT_EQ(limits.take(2, start), 0u) << "another key has its own";
    EXPECT_NE(limits.take(1, start + Millis(wait - 2)), 0u);
    EXPECT_EQ(limits.take(1, start + Millis(wait)), 0u);
    EXPECT_NE(limits.take(1, start + Millis(wait)), 0u);
}

TEST(RateLimits, a_pause_never_saves_up_more_than_a_burst) {
    RateLimits<int> limits({3, 2}, 10);
    EXPECT_EQ(limits.take(1, BootTime{0}), 0u);
    const BootTime later{1'000'000};
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(limits.take(1, later), 0u);
    EXPECT_NE(limits.take(1, later), 0u);
}

TEST(RateLimits, the_table_never_grows_beyond_its_bound_and_forgets_the_idle_first) {
    RateLimits<int> limits({2, 1}, 4);
    const BootTime start{0};
    for (int key = 0; key < 4; ++key)
        EXPECT_EQ(limits.take(key, start), 0u);
    const BootTime later = start + Millis(1000);  // the buckets are full again, but for one
    EXPECT_EQ(limits.take(0, later), 0u);
    EXPECT_EQ(limits.take(0, later), 0u);
    EXPECT_EQ(limits.take(9, later), 0u);
    EXPECT_EQ(limits.size(), 2u);
    EXPECT_NE(limits.take(0, later), 0u) << "who was busy stays limited";
    for (int key = 100; key < 1000; ++key) {
        EXPECT_EQ(limits.take(key, later), 0u);
        ASSERT_LE(limits.size(), 4u);
    }
}

}  // namespace
}  // namespace melder::relay
