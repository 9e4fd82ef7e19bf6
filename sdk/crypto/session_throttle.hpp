#pragma once
// Messages that don't decrypt cost this device far more than their sender (DESIGN section 8), so each peer has a budget
// of failures. Pure: time is an argument, memory is bounded. A success gives nothing back, or a peer could buy
// failures.

#include <unordered_map>

#include "core/clock.hpp"
#include "core/ids.hpp"

namespace melder::sdk {

class SessionThrottle {
public:
    /// Ask before SessionLayer::decrypt: true means answer `throttled` and leave the message unopened.
    [[nodiscard]] bool is_throttled(const EnrolmentId& peer, BootTime now) const;
    /// The sealed envelope was authentic and the inner message did not decrypt.
    void on_failure(const EnrolmentId& peer, BootTime now);
    [[nodiscard]] std::size_t size() const noexcept { return paid_at_.size(); }

private:
    void make_room(BootTime now);
    std::unordered_map<EnrolmentId, BootTime> paid_at_;  ///< when all failures of the peer will be forgiven
};

}  // namespace melder::sdk
