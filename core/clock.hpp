#pragma once
// Time as an argument. Nothing below plumbing reads a clock; plumbing reads the one it was given.

#include <chrono>
#include <cstdint>

namespace melder {

using Millis = std::chrono::milliseconds;

/// Unix time in milliseconds. On the wire and in stores: uint64 milliseconds, or seconds where a field says `_s`.
struct UnixTime {
    std::int64_t ms = 0;
    friend constexpr auto operator<=>(UnixTime, UnixTime) = default;
    friend constexpr UnixTime operator+(UnixTime t, Millis d) { return {t.ms + d.count()}; }
    friend constexpr UnixTime operator-(UnixTime t, Millis d) { return {t.ms - d.count()}; }
    friend constexpr Millis operator-(UnixTime a, UnixTime b) { return Millis(a.ms - b.ms); }
    [[nodiscard]] constexpr std::int64_t seconds() const { return ms / 1000; }
    [[nodiscard]] static constexpr UnixTime from_seconds(std::int64_t s) { return {s * 1000}; }
};

/// A monotonic instant that counts sleep (CLOCK_BOOTTIME, mach_continuous_time). Comparable within one boot only.
struct BootTime {
    std::int64_t ms = 0;
    friend constexpr auto operator<=>(BootTime, BootTime) = default;
    friend constexpr BootTime operator+(BootTime t, Millis d) { return {t.ms + d.count()}; }
    friend constexpr BootTime operator-(BootTime t, Millis d) { return {t.ms - d.count()}; }
    friend constexpr Millis operator-(BootTime a, BootTime b) { return Millis(a.ms - b.ms); }
};

/// The outside world's time. Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual UnixTime wall() const = 0;
    [[nodiscard]] virtual BootTime boot() const = 0;
};

/// CLOCK_REALTIME and CLOCK_BOOTTIME.
[[nodiscard]] const Clock& system_clock();

/// A clock that moves when it is told to; starts at a fixed date. For tests and the simulation. Not thread-safe.
class ManualClock final : public Clock {
public:
    [[nodiscard]] UnixTime wall() const override { return wall_; }
    [[nodiscard]] BootTime boot() const override { return boot_; }
    void advance(Millis d) {
        wall_ = wall_ + d;
        boot_ = boot_ + d;
    }
    void set_wall(UnixTime t) { wall_ = t; }

private:
    UnixTime wall_{1'800'000'000'000};
    BootTime boot_{1'000'000};
};

}  // namespace melder
