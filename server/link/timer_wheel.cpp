#include "server/link/timer_wheel.hpp"

#include <algorithm>

namespace melder::server {

std::uint64_t TimerWheel::schedule(SessionId id, LinkTime due) {
    const auto after_start = std::max(due - start_, LinkTime::duration::zero());
    const auto wanted = static_cast<std::uint64_t>((after_start + tick_ - LinkTime::duration(1)) / tick_);
    const auto tick = std::clamp(wanted, done_ + 1, done_ + slots - 1);
    slots_[tick % slots].push_back({id, tick});
    return tick;
}

std::vector<TimerWheel::Entry> TimerWheel::expire(LinkTime now) {
    std::vector<Entry> out;
    const auto present = static_cast<std::uint64_t>(std::max(now - start_, LinkTime::duration::zero()) / tick_);
    // After a long stall one turn empties every slot.
    const auto first = present > slots ? std::max(done_ + 1, present - slots + 1) : done_ + 1;
    for (auto tick = first; tick <= present; ++tick) {
        auto& slot = slots_[tick % slots];
        out.insert(out.end(), slot.begin(), slot.end());
        slot.clear();
    }
    done_ = std::max(done_, present);
    return out;
}

}  // namespace melder::server
