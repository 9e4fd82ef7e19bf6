#include "core/clock.hpp"

#include <time.h>

#include <system_error>

namespace melder {

namespace {

#ifdef __APPLE__
constexpr clockid_t sleep_counting_clock = CLOCK_MONOTONIC;  // mach_continuous_time: Darwin's counts sleep
#else
constexpr clockid_t sleep_counting_clock = CLOCK_BOOTTIME;
#endif

std::int64_t read_ms(clockid_t id) {
    timespec t{};
    if (clock_gettime(id, &t) != 0) throw std::system_error(errno, std::generic_category(), "clock_gettime");
    return static_cast<std::int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

class SystemClock final : public Clock {
public:
    [[nodiscard]] UnixTime wall() const override { return {read_ms(CLOCK_REALTIME)}; }
    [[nodiscard]] BootTime boot() const override { return {read_ms(sleep_counting_clock)}; }
};

}  // namespace

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

}  // namespace melder
