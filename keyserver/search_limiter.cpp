#include "keyserver/search_limiter.hpp"

#include <algorithm>

namespace melder::keyserver {
namespace {

constexpr Millis interval = limits::searches_interval;
constexpr Millis burst = interval * limits::searches_burst;

}  // namespace

Millis SearchLimiter::on_search(const EnrolmentId& device, BootTime now) {
    if (!full_at_.contains(device) && full_at_.size() >= entries_) {
        if (now - swept_ >= interval) {
            std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
            swept_ = now;
        }
        // Forgetting a live entry would lift a limit.
        if (full_at_.size() >= entries_) return interval;
    }
    auto& full_at = full_at_[device];
    const auto next = std::max(full_at, now) + interval;
    if (next - now > burst) return next - now - burst;
    full_at = next;
    return Millis(0);
}

}  // namespace melder::keyserver
