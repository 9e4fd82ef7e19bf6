#include "client/liveness_logic.hpp"

#include <gtest/gtest.h>

namespace melder::client {
namespace {

using namespace std::chrono_literals;
using Due = LivenessLogic::Due;

class Liveness : public testing::Test {
protected:
    Liveness() { logic.on_reading(now); }
    Due after(std::chrono::milliseconds time) {
        now += time;
        const auto due = logic.check(heard, now);
        if (due == Due::ping) logic.on_pinged(now);
        return due;
    }
    LivenessLogic::TimePoint now{1h};
    LivenessLogic::TimePoint heard = now;
    LivenessLogic logic{{30s, 45s, 5s}};
};

TEST_F(Liveness, silence_is_asked_after_once_and_then_ends_it) {
    EXPECT_EQ(logic.next(heard), now + 30s);
    EXPECT_EQ(after(29s), Due::nothing);
    EXPECT_EQ(after(1s), Due::ping);
    EXPECT_EQ(after(1s), Due::nothing);
    EXPECT_EQ(logic.next(heard), heard + 45s);
    EXPECT_EQ(after(13s), Due::nothing);
    EXPECT_EQ(after(1s), Due::give_up);
}

TEST_F(Liveness, a_byte_begins_the_silence_anew) {
    EXPECT_EQ(after(44s), Due::ping);
    heard = now;
    EXPECT_EQ(after(29s), Due::nothing);
    EXPECT_EQ(after(15s), Due::ping);
    EXPECT_EQ(after(1s), Due::give_up);
}

TEST_F(Liveness, while_nothing_is_read_nobody_is_given_up_and_the_pause_does_not_count) {
    logic.on_paused();
    EXPECT_EQ(after(1h), Due::ping);
    EXPECT_EQ(logic.next(heard), now + 30s);
    logic.on_reading(now);
    EXPECT_EQ(after(44s), Due::ping);
    EXPECT_EQ(after(1s), Due::give_up);
}

TEST_F(Liveness, a_changed_path_leaves_five_seconds) {
    (void)after(10s);
    logic.on_path_changed(now);
    logic.on_pinged(now);
    EXPECT_EQ(logic.next(heard), now + 5s);
    EXPECT_EQ(after(4s), Due::nothing);
    EXPECT_EQ(after(1s), Due::give_up);
}

TEST_F(Liveness, an_answer_over_the_changed_path_is_enough) {
    (void)after(10s);
    logic.on_path_changed(now);
    logic.on_pinged(now);
    (void)after(1s);
    heard = now;
    EXPECT_EQ(after(4s), Due::nothing);
    EXPECT_EQ(after(20s), Due::nothing);
}

TEST_F(Liveness, a_path_that_changed_while_nothing_was_read_is_forgotten) {
    logic.on_paused();
    logic.on_path_changed(now);
    EXPECT_EQ(after(5s), Due::nothing);
    logic.on_reading(now);
    EXPECT_EQ(after(5s), Due::nothing);
}

}  // namespace
}  // namespace melder::client
