#include "relay/presence.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::relay {
namespace {

constexpr std::int64_t seconds_a_day = 86'400;

std::int64_t day_of(UnixTime time) {
    return time.seconds() / seconds_a_day * seconds_a_day;
}

}  // namespace

Presence& PresenceBook::touch(const EnrolmentId& device) {
    // Whoever falls out is one that the help desk would have to ask about again: no answer is lost that matters.
    if (devices_.size() >= limits::presence_devices && !devices_.contains(device)) devices_.erase(devices_.begin());
    return devices_[device];
}

void PresenceBook::seen(const EnrolmentId& device, UnixTime now) {
    touch(device).last_seen_day_s = day_of(now);
}

void PresenceBook::refused(const EnrolmentId& device, Errc code, UnixTime now) {
    auto& refusals = touch(device).refusals;
    const auto day = day_of(now);
    auto known = std::ranges::find_if(
        refusals, [&](const Presence::Refusals& entry) { return entry.code == code && entry.day_s == day; });
    if (known == refusals.end()) {
        refusals.insert(refusals.begin(), {code, day, 1});
        if (refusals.size() > limits::presence_errors) refusals.pop_back();
        return;
    }
    ++known->count;
    std::rotate(refusals.begin(), known, known + 1);
}

std::optional<Presence> PresenceBook::find(const EnrolmentId& device) const {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return std::nullopt;
    return found->second;
}

}  // namespace melder::relay
