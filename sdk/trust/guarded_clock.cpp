#include "sdk/trust/guarded_clock.hpp"

#include "core/limits.hpp"
#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {

GuardedClock::GuardedClock(const BootId& boot_id, BootTime boot_now) : boot_id_(boot_id), at_(boot_now) {}

std::optional<UnixTime> GuardedClock::now(BootTime boot_now) const {
    if (!time_) return std::nullopt;
    return *time_ + std::max(Millis(0), boot_now - at_);
}

std::optional<UnixTime> GuardedClock::erasable_until(BootTime boot_now) const {
    if (!held_) return now(boot_now);
    return held_->erasable + std::max(Millis(0), boot_now - held_->since);
}

GuardedClock::Outcome GuardedClock::step_to(UnixTime time, BootTime boot_now) {
    const auto present = now(boot_now);
    if (present && time <= *present) return Outcome::older;
    if (free_step_) {
        // Nothing was kept under this clock before the first statement ever, so there is nothing to hold back.
        if (present) held_ = Held{*present, boot_now, std::nullopt};
        free_step_ = false;
    } else if (present) {
        const Millis step = time - *present;
        if (stepped_ + step > limits::clock_forward_longest) return Outcome::step_too_large;
        stepped_ += step;
    }
    time_ = time;
    at_ = boot_now;
    return Outcome::set;
}

GuardedClock::Outcome GuardedClock::on_fresh_statement(UnixTime time, BootTime asked, BootTime boot_now) {
    if (asked > boot_now) return Outcome::step_too_large;
    const auto outcome = step_to(time, boot_now);
    if (outcome == Outcome::step_too_large) return outcome;
    free_step_ = false;
    if (!held_) return outcome;
    if (!held_->first_opinion) {
        held_->first_opinion = boot_now;
    } else if (asked - *held_->first_opinion >= limits::clock_second_opinion) {
        // The second opinion must itself say that the time has come: one that is behind confirms nothing.
        if (time + (boot_now - asked) + Millis(limits::sent_at_future) >= *now(boot_now)) held_.reset();
    }
    return outcome;
}

GuardedClock::Outcome GuardedClock::on_other_statement(UnixTime time, BootTime boot_now) {
    return step_to(time, boot_now);
}

// boot id ‖ has time ‖ time now ‖ boot now ‖ stepped ‖ free step ‖ held? ‖ erasable ‖ since ‖ has first ‖ first
SecretBuffer GuardedClock::encode(BootTime boot_now) const {
    CellWriter out(96);
    const auto boot = [](BootTime t) { return static_cast<std::uint64_t>(t.ms); };
    out.fixed(boot_id_.view()).number(static_cast<Byte>(time_.has_value())).time(now(boot_now).value_or(UnixTime{}));
    out.number(boot(boot_now))
        .number(static_cast<std::uint64_t>(stepped_.count()))
        .number(static_cast<Byte>(free_step_));
    const Held none{};
    const Held& held = held_ ? *held_ : none;
    out.number(static_cast<Byte>(held_.has_value())).time(held.erasable).number(boot(held.since));
    out.number(static_cast<Byte>(held.first_opinion.has_value())).number(boot(held.first_opinion.value_or(BootTime{})));
    return out.take();
}

Result<GuardedClock> GuardedClock::restore(BytesView encoded, const BootId& boot_id, BootTime boot_now) {
    CellReader in(encoded);
    const auto boot_time = [&in]() -> Result<BootTime> {
        MELDER_TRY(const auto ms, in.number<std::uint64_t>());
        return BootTime{static_cast<std::int64_t>(ms)};
    };
    MELDER_TRY(const auto saved_boot, in.id<BootId>());
    GuardedClock clock(boot_id, boot_now);
    MELDER_TRY(const auto has_time, in.number<Byte>());
    MELDER_TRY(const auto time, in.time());
    MELDER_TRY(const auto saved_at, boot_time());
    MELDER_TRY(const auto stepped, in.number<std::uint64_t>());
    MELDER_TRY(const auto free_step, in.number<Byte>());
    MELDER_TRY(const auto has_held, in.number<Byte>());
    Held held;
    MELDER_TRY(held.erasable, in.time());
    MELDER_TRY(held.since, boot_time());
    MELDER_TRY(const auto has_first, in.number<Byte>());
    MELDER_TRY(const auto first, boot_time());
    MELDER_CHECK(in.end());
    if (has_first) held.first_opinion = first;
    if (has_time) clock.time_ = time;
    // A boot clock that went back is another boot, whatever the id says.
    if (saved_boot == boot_id && saved_at <= boot_now) {
        clock.at_ = saved_at;
        clock.stepped_ = Millis(static_cast<std::int64_t>(stepped));
        clock.free_step_ = free_step != 0;
        if (has_held) clock.held_ = held;
        return clock;
    }
    // A step that nobody has confirmed yet stays unconfirmed over the reboot; its clocks start again.
    if (has_held) clock.held_ = Held{held.erasable, boot_now, std::nullopt};
    return clock;
}

}  // namespace melder::sdk
