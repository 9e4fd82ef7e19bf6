#pragma once
// How often a device may search the directory: a token bucket of limits::searches_burst, then one search per
// limits::searches_interval. Decisions only; in memory only; bounded. Searches are typed by people, one letter after
// the other; the bucket lets that pass and makes listing a whole force take most of an hour.

#include <unordered_map>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/limits.hpp"

namespace melder::keyserver {

class SearchLimiter {
public:
    /// A table never grows beyond `entries`: when it is full of devices that searched just now, others wait.
    explicit SearchLimiter(std::size_t entries = limits::limiter_entries) : entries_(entries) {}

    /// 0: go on, and it counts. Else how long to wait; that costs nothing.
    [[nodiscard]] Millis on_search(const EnrolmentId& device, BootTime now);

    [[nodiscard]] std::size_t entries() const noexcept { return full_at_.size(); }

private:
    std::size_t entries_;
    std::unordered_map<EnrolmentId, BootTime> full_at_;  ///< when the device's bucket will be full again
    BootTime swept_;
};

}  // namespace melder::keyserver
