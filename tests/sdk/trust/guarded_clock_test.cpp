#include "sdk/trust/guarded_clock.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "core/random.hpp"

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;
using Outcome = GuardedClock::Outcome;

struct GuardedClockTest : ::testing::Test {
    SeededRandom random{3};
    BootId boot_id = random.id<BootId>();
    BootTime boot{1'000'000};
    UnixTime start{1'800'000'000'000};
    GuardedClock clock{boot_id, boot};

    Outcome fresh(UnixTime time) { return clock.on_fresh_statement(time, boot, boot); }
    UnixTime now() { return clock.now(boot).value(); }
    UnixTime erasable() { return clock.erasable_until(boot).value(); }
    void reboot() {
        const auto saved = clock.encode(boot);
        boot_id = random.id<BootId>();
        boot = BootTime{5'000};
        clock = GuardedClock::restore(saved.expose(), boot_id, boot).value();
    }
    void restart_process() { clock = GuardedClock::restore(clock.encode(boot).expose(), boot_id, boot).value(); }
};

TEST_F(GuardedClockTest, knows_no_time_before_the_first_statement_and_runs_with_the_boot_clock_after) {
    EXPECT_FALSE(clock.now(boot));
    EXPECT_EQ(fresh(start), Outcome::set);
    EXPECT_EQ(now(), start);
    boot = boot + 90min;  // sleep included
    EXPECT_EQ(now(), start + 90min);
    EXPECT_EQ(erasable(), now()) << "before the first statement nothing was kept that a step could erase";
}

TEST_F(GuardedClockTest, an_older_statement_is_no_error_and_sets_nothing_back) {
    fresh(start);
    boot = boot + 1h;
    EXPECT_EQ(fresh(start + 10min), Outcome::older);
    EXPECT_EQ(clock.on_other_statement(start, boot), Outcome::older);
    EXPECT_EQ(now(), start + 1h);
}

TEST_F(GuardedClockTest, other_statements_raise_the_floor) {
    fresh(start);
    EXPECT_EQ(clock.on_other_statement(start + 1h, boot), Outcome::set);
    EXPECT_EQ(now(), start + 1h);
}

TEST_F(GuardedClockTest, all_forward_steps_of_one_boot_together_stay_within_a_day) {
    fresh(start);
    EXPECT_EQ(fresh(start + 14h), Outcome::set);
    EXPECT_EQ(clock.on_other_statement(start + 24h, boot), Outcome::set);
    EXPECT_EQ(erasable(), now()) << "within a boot a small step erases at once";
    EXPECT_EQ(fresh(start + 24h + 1ms), Outcome::step_too_large);
    EXPECT_EQ(clock.on_other_statement(start + 24h + 1ms, boot), Outcome::step_too_large);
    EXPECT_EQ(now(), start + 24h) << "a refused statement moved the clock";
    boot = boot + 5h;
    EXPECT_EQ(fresh(start + 29h), Outcome::older) << "time that passed is no step";
}

TEST_F(GuardedClockTest, a_restart_of_the_process_forgives_no_step) {
    fresh(start);
    EXPECT_EQ(fresh(start + 24h), Outcome::set);
    restart_process();
    EXPECT_EQ(now(), start + 24h);
    EXPECT_EQ(fresh(start + 25h), Outcome::step_too_large);
}

TEST_F(GuardedClockTest, the_clock_runs_on_while_the_process_is_away) {
    fresh(start);
    const auto saved = clock.encode(boot);
    boot = boot + 7h;
    clock = GuardedClock::restore(saved.expose(), boot_id, boot).value();
    EXPECT_EQ(now(), start + 7h);
}

TEST_F(GuardedClockTest, after_a_reboot_any_step_is_accepted_but_erases_only_after_a_second_opinion_ten_minutes_later) {
    fresh(start);
    boot = boot + 1h;
    reboot();
    EXPECT_EQ(now(), start + 1h) << "until a statement comes, time goes on from where it was";
    const UnixTime back = start + 24h * 42;  // six weeks' leave
    EXPECT_EQ(fresh(back), Outcome::set);
    EXPECT_EQ(now(), back);
    EXPECT_TRUE(clock.awaits_second_opinion());
    EXPECT_EQ(erasable(), start + 1h);
    boot = boot + 10min - 1ms;
    fresh(now());
    EXPECT_EQ(erasable(), start + 1h + 10min - 1ms) << "too early to be a second opinion";
    boot = boot + 1ms;
    EXPECT_EQ(clock.on_other_statement(now() + 1ms, boot), Outcome::set);
    EXPECT_TRUE(clock.awaits_second_opinion()) << "only a statement over our nonce is an opinion";
    fresh(now());
    EXPECT_FALSE(clock.awaits_second_opinion());
    EXPECT_EQ(erasable(), now());
}

TEST_F(GuardedClockTest, the_second_step_after_a_reboot_is_limited_again) {
    fresh(start);
    reboot();
    EXPECT_EQ(fresh(start + 24h * 42), Outcome::set);
    EXPECT_EQ(fresh(start + 24h * 43 + 1s), Outcome::step_too_large);
}

TEST_F(GuardedClockTest, a_second_opinion_that_is_behind_confirms_nothing) {
    fresh(start);
    reboot();
    fresh(start + 24h * 300);
    boot = boot + 11min;
    EXPECT_EQ(fresh(start + 1h), Outcome::older);
    EXPECT_TRUE(clock.awaits_second_opinion());
    EXPECT_LT(erasable(), start + 1h);
}

TEST_F(GuardedClockTest, a_second_reboot_gives_no_opinion) {
    fresh(start);
    reboot();
    fresh(start + 24h * 42);
    const auto before = erasable();
    reboot();
    EXPECT_TRUE(clock.awaits_second_opinion());
    EXPECT_EQ(erasable(), before);
    fresh(now());
    EXPECT_TRUE(clock.awaits_second_opinion());
    boot = boot + 10min;
    fresh(now());
    EXPECT_FALSE(clock.awaits_second_opinion());
}

TEST_F(GuardedClockTest, a_boot_clock_that_went_back_is_another_boot) {
    fresh(start);
    const auto saved = clock.encode(boot);
    clock = GuardedClock::restore(saved.expose(), boot_id, BootTime{1}).value();
    EXPECT_EQ(clock.now(BootTime{1}).value(), start);
    EXPECT_EQ(clock.now(BootTime{1001}).value(), start + 1s);
}

TEST_F(GuardedClockTest, a_cut_off_state_is_refused) {
    fresh(start);
    const auto saved = clock.encode(boot);
    EXPECT_EQ(GuardedClock::restore(saved.expose().first(saved.size() - 1), boot_id, boot).error(),
              Errc::vault_unreadable);
}

}  // namespace
}  // namespace melder::sdk
