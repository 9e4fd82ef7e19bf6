#include <gtest/gtest.h>

#include "keyserver/take_limiter.hpp"

namespace melder::keyserver {
namespace {

EnrolmentId device(std::uint32_t n) {
    ByteArray<16> bytes{};
    bytes[0] = static_cast<Byte>(n);
    bytes[1] = static_cast<Byte>(n >> 8);
    bytes[2] = static_cast<Byte>(n >> 16);
    return EnrolmentId(bytes);
}

TEST(TakeLimiter, a_source_has_six_hundred_takes_and_then_one_a_second) {
    TakeLimiter limiter;
    BootTime now{1000};
    for (std::uint32_t i = 0; i < 600; ++i)
        ASSERT_EQ(limiter.on_take(device(0), device(i + 1), now).retry_after, Millis(0));
    EXPECT_EQ(limiter.on_take(device(0), device(700), now).retry_after, Millis(1000));
    now = now + Millis(1000);
    EXPECT_EQ(limiter.on_take(device(0), device(700), now).retry_after, Millis(0));
    EXPECT_EQ(limiter.on_take(device(0), device(701), now).retry_after, Millis(1000));
}

TEST(TakeLimiter, beyond_sixty_an_hour_a_target_gives_its_signed_prekey_alone) {
    TakeLimiter limiter;
    BootTime now{1000};
    for (std::uint32_t i = 1; i <= 60; ++i)
        ASSERT_TRUE(limiter.on_take(device(i), device(0), now).one_time);
    const auto next = limiter.on_take(device(61), device(0), now);
    EXPECT_EQ(next.retry_after, Millis(0));
    EXPECT_FALSE(next.one_time);
    EXPECT_TRUE(limiter.on_take(device(62), device(0), now + std::chrono::hours(1)).one_time);
}

TEST(TakeLimiter, tables_are_bounded_and_a_full_one_lifts_no_limit) {
    TakeLimiter limiter({.entries = 10});
    const BootTime now{1'000'000};
    for (std::uint32_t i = 0; i < 1000; ++i)
        (void)limiter.on_take(device(i), device(i + 2000), now);
    EXPECT_LE(limiter.entries(), 30u);
    EXPECT_GT(limiter.on_take(device(999), device(2999), now).retry_after, Millis(0));
    EXPECT_EQ(limiter.on_take(device(999), device(2999), now + std::chrono::hours(2)).retry_after, Millis(0));
}

}  // namespace
}  // namespace melder::keyserver
