#include "keyserver/take_limiter.hpp"

#include <algorithm>

namespace melder::keyserver {
namespace {

constexpr Millis hour = std::chrono::hours(1);
constexpr Millis sweep_interval = std::chrono::seconds(1);

}  // namespace

Millis TakeLimiter::wait_of(const Bucket& bucket, std::uint32_t burst, Millis interval, BootTime now) {
    const auto full_at = std::max(bucket.full_at, now);
    return std::max(Millis(0), full_at - now + interval - interval * burst);
}

void TakeLimiter::spend(Bucket& bucket, Millis interval, BootTime now) {
    bucket.full_at = std::max(bucket.full_at, now) + interval;
}

void TakeLimiter::forget_idle(BootTime now) {
    const auto idle = [now](const auto& entry) { return entry.second.full_at <= now; };
    std::erase_if(pairs_, idle);
    std::erase_if(sources_, idle);
    std::erase_if(targets_, [now](const auto& entry) { return now - entry.second.began >= hour; });
    swept_ = now;
}

Millis TakeLimiter::room_in_tables(BootTime now) {
    const auto full = [this] {
        return pairs_.size() >= limits_.entries || sources_.size() >= limits_.entries ||
               targets_.size() >= limits_.entries;
    };
    if (full() && now - swept_ >= sweep_interval) forget_idle(now);
    // Forgetting a live entry would lift a limit: who comes now waits.
    return full() ? sweep_interval : Millis(0);
}

TakeLimiter::Decision TakeLimiter::on_take(const EnrolmentId& source, const EnrolmentId& target, BootTime now) {
    ByteArray<32> both{};
    std::ranges::copy(source.view(), both.begin());
    std::ranges::copy(target.view(), both.begin() + EnrolmentId::size_bytes);
    const Pair pair(both);
    if (!pairs_.contains(pair) || !sources_.contains(source) || !targets_.contains(target)) {
        if (const auto wait = room_in_tables(now); wait > Millis(0)) return {.retry_after = wait, .one_time = false};
    }
    const auto wait = std::max(wait_of(pairs_[pair], limits_.pair_burst, limits_.pair_interval, now),
                               wait_of(sources_[source], limits_.source_burst, limits_.source_interval, now));
    if (wait > Millis(0)) return {.retry_after = wait, .one_time = false};
    spend(pairs_[pair], limits_.pair_interval, now);
    spend(sources_[source], limits_.source_interval, now);

    auto& window = targets_[target];
    if (window.count == 0 || now - window.began >= hour) window = {.began = now, .count = 0};
    if (window.count >= limits_.one_time_per_hour) return {.retry_after = Millis(0), .one_time = false};
    ++window.count;
    return {};
}

}  // namespace melder::keyserver
