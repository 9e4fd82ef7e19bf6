#include "sdk/crypto/session_throttle.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::sdk {

bool SessionThrottle::is_throttled(const EnrolmentId& peer, BootTime now) const {
    const auto found = paid_at_.find(peer);
    if (found == paid_at_.end()) return false;
    constexpr Millis allowed_debt = limits::session_failure_forgiven_after * (limits::session_failures - 1);
    return found->second > now + allowed_debt;
}

void SessionThrottle::on_failure(const EnrolmentId& peer, BootTime now) {
    if (!paid_at_.contains(peer)) make_room(now);
    auto& paid_at = paid_at_[peer];
    paid_at = std::max(paid_at, now) + limits::session_failure_forgiven_after;
}

// Peers are certified before they get here, so a full table means a thousand hostile devices: the smallest debt goes.
void SessionThrottle::make_room(BootTime now) {
    if (paid_at_.size() < limits::throttled_peers) return;
    std::erase_if(paid_at_, [now](const auto& entry) { return entry.second <= now; });
    if (paid_at_.size() < limits::throttled_peers) return;
    paid_at_.erase(std::min_element(paid_at_.begin(), paid_at_.end(),
                                    [](const auto& a, const auto& b) { return a.second < b.second; }));
}

}  // namespace melder::sdk
