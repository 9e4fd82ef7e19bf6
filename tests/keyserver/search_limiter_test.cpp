// How often a device may search.

#include <gtest/gtest.h>

#include "keyserver/search_limiter.hpp"

namespace melder::keyserver {
namespace {

EnrolmentId device(std::uint8_t n) {
    ByteArray<16> bytes{};
    bytes[0] = n;
    return EnrolmentId(bytes);
}
const BootTime start{3'600'000};

TEST(SearchLimiter, a_burst_passes_and_then_one_an_interval) {
    SearchLimiter limiter;
    for (std::uint32_t i = 0; i < limits::searches_burst; ++i)
        EXPECT_EQ(limiter.on_search(device(1), start), Millis(0)) << i;
    EXPECT_EQ(limiter.on_search(device(1), start), limits::searches_interval);
    EXPECT_EQ(limiter.on_search(device(1), start), limits::searches_interval) << "a refusal costs nothing";
    EXPECT_EQ(limiter.on_search(device(2), start), Millis(0)) << "each device has its own";
    const auto later = start + Millis(limits::searches_interval);
    EXPECT_EQ(limiter.on_search(device(1), later), Millis(0));
    EXPECT_GT(limiter.on_search(device(1), later), Millis(0));
    const auto rested = later + Millis(limits::searches_interval) * limits::searches_burst;
    for (std::uint32_t i = 0; i < limits::searches_burst; ++i)
        EXPECT_EQ(limiter.on_search(device(1), rested), Millis(0)) << i;
    EXPECT_GT(limiter.on_search(device(1), rested), Millis(0));
}

TEST(SearchLimiter, the_table_is_bounded_and_a_full_one_forgets_only_who_has_rested) {
    SearchLimiter limiter(2);
    EXPECT_EQ(limiter.on_search(device(1), start), Millis(0));
    for (std::uint32_t i = 0; i < limits::searches_burst; ++i)
        EXPECT_EQ(limiter.on_search(device(2), start), Millis(0));
    EXPECT_GT(limiter.on_search(device(3), start), Millis(0));
    EXPECT_EQ(limiter.entries(), 2u);
    const auto later = start + Millis(limits::searches_interval);
    EXPECT_EQ(limiter.on_search(device(3), later), Millis(0)) << "the first one's bucket is full again";
    EXPECT_EQ(limiter.on_search(device(2), later), Millis(0));
    EXPECT_GT(limiter.on_search(device(2), later), Millis(0)) << "the second one was not forgotten";
    EXPECT_EQ(limiter.entries(), 2u);
}

}  // namespace
}  // namespace melder::keyserver
