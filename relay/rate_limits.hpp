#pragma once
// Token buckets in a table that never grows beyond its bound. Memory only; no I/O.

#include <cstdint>
#include <unordered_map>

#include "core/clock.hpp"

namespace melder::relay {

struct Rate {
    double burst;
    double per_second;
};

template <class Key, class Hasher = std::hash<Key>>
class RateLimits {
public:
    RateLimits(Rate rate, std::size_t entries) : rate_(rate), entries_(entries) {}

    /// 0: allowed, and counted. Else the milliseconds until it would be.
    [[nodiscard]] std::uint32_t take(const Key& key, BootTime now) {
        if (!buckets_.contains(key) && buckets_.size() >= entries_) make_room(now);
        auto& bucket = buckets_.try_emplace(key, Bucket{rate_.burst, now}).first->second;
        bucket.tokens = level(bucket, now);
        bucket.at = now;
        if (bucket.tokens >= 1) {
            bucket.tokens -= 1;
            return 0;
        }
        return static_cast<std::uint32_t>((1 - bucket.tokens) * 1000 / rate_.per_second) + 1;
    }
    [[nodiscard]] std::size_t size() const noexcept { return buckets_.size(); }

private:
    struct Bucket {
        double tokens;
        BootTime at;
    };
    [[nodiscard]] double level(const Bucket& bucket, BootTime now) const {
        const double grown = bucket.tokens + static_cast<double>((now - bucket.at).count()) * rate_.per_second / 1000;
        return std::min(grown, rate_.burst);
    }
    /// Full buckets say nothing; if none is full, the table starts anew rather than grow or lock everybody out.
    void make_room(BootTime now) {
        std::erase_if(buckets_, [&](const auto& entry) { return level(entry.second, now) >= rate_.burst; });
        if (buckets_.size() >= entries_) buckets_.clear();
    }
    Rate rate_;
    std::size_t entries_;
    std::unordered_map<Key, Bucket, Hasher> buckets_;
};

}  // namespace melder::relay
