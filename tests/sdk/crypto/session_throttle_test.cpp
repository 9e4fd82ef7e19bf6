#include "sdk/crypto/session_throttle.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "core/random.hpp"

namespace melder::sdk {
namespace {

struct SessionThrottleTest : ::testing::Test {
    SeededRandom random{1};
    SessionThrottle throttle;
    EnrolmentId peer = random.id<EnrolmentId>();
    BootTime now{1'000'000};

    void fail(int times) {
        for (int i = 0; i < times; ++i)
            throttle.on_failure(peer, now);
    }
};

TEST_F(SessionThrottleTest, a_peer_is_ignored_after_its_budget_of_failures_and_others_are_not) {
    fail(limits::session_failures - 1);
    EXPECT_FALSE(throttle.is_throttled(peer, now));
    fail(1);
    EXPECT_TRUE(throttle.is_throttled(peer, now));
    EXPECT_FALSE(throttle.is_throttled(random.id<EnrolmentId>(), now));
}

TEST_F(SessionThrottleTest, one_failure_is_forgiven_per_interval) {
    fail(limits::session_failures);
    now = now + limits::session_failure_forgiven_after;
    EXPECT_FALSE(throttle.is_throttled(peer, now));
    fail(1);
    EXPECT_TRUE(throttle.is_throttled(peer, now));
}

TEST_F(SessionThrottleTest, memory_stays_bounded_and_the_worst_peer_stays_ignored) {
    fail(limits::session_failures);
    for (std::size_t i = 0; i < 2 * limits::throttled_peers; ++i)
        throttle.on_failure(random.id<EnrolmentId>(), now);
    EXPECT_EQ(throttle.size(), limits::throttled_peers);
    EXPECT_TRUE(throttle.is_throttled(peer, now));
}

}  // namespace
}  // namespace melder::sdk
