#pragma once
// Times on the wire are unsigned; ours are signed. Values no clock can reach are refused, so arithmetic never
// overflows.

#include "core/clock.hpp"
#include "core/result.hpp"

namespace melder {

inline constexpr std::uint64_t latest_time_s = 1ULL << 40;

[[nodiscard]] inline Result<UnixTime> time_from_s(std::uint64_t s) {
    if (s > latest_time_s) return Error(Errc::malformed, "a time lies beyond any calendar");
    return UnixTime::from_seconds(static_cast<std::int64_t>(s));
}
[[nodiscard]] inline Result<UnixTime> time_from_ms(std::uint64_t ms) {
    if (ms > latest_time_s * 1000) return Error(Errc::malformed, "a time lies beyond any calendar");
    return UnixTime{static_cast<std::int64_t>(ms)};
}
[[nodiscard]] inline std::uint64_t seconds_on_wire(UnixTime t) {
    return static_cast<std::uint64_t>(t.seconds());
}
/// What a clock before 1970 or beyond `latest_time_s` would make of it cannot be encoded.
[[nodiscard]] inline bool fits_the_wire(UnixTime t) {
    return t.ms >= 0 && static_cast<std::uint64_t>(t.ms) <= latest_time_s * 1000;
}

}  // namespace melder
