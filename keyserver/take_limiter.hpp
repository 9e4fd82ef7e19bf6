#pragma once
// Who may take how many prekey bundles. Decisions only; in memory only; bounded.
//
// Token buckets: (source → target) 6, then one per 10 min; per source 600, then 1/s. Per target at most 60 one-time
// prekeys an hour; beyond, the signed prekey alone: a target's stock is never a reason to refuse.

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/limits.hpp"

namespace melder::keyserver {

struct TakeLimits {
    std::uint32_t pair_burst = limits::takes_per_pair_burst;
    Millis pair_interval = limits::takes_per_pair_interval;
    std::uint32_t source_burst = limits::takes_per_source_burst;
    Millis source_interval = Millis(1000 / limits::takes_per_source_per_second);
    std::uint32_t one_time_per_hour = limits::one_time_takes_per_hour;
    std::size_t entries = limits::limiter_entries;  ///< per table
};

class TakeLimiter {
public:
    explicit TakeLimiter(TakeLimits take_limits = {}) : limits_(take_limits) {}

    struct Decision {
        Millis retry_after{0};  ///< > 0: refused
        bool one_time = true;   ///< false: the signed prekey alone
    };
    [[nodiscard]] Decision on_take(const EnrolmentId& source, const EnrolmentId& target, BootTime now);

    [[nodiscard]] std::size_t entries() const noexcept { return pairs_.size() + sources_.size() + targets_.size(); }

private:
    /// A bucket as one number (GCRA): the time at which it will be full again.
    struct Bucket {
        BootTime full_at;
    };
    struct Window {
        BootTime began;
        std::uint32_t count = 0;
    };
    using Pair = Id<struct TakePairTag, 32>;

    [[nodiscard]] static Millis wait_of(const Bucket& bucket, std::uint32_t burst, Millis interval, BootTime now);
    static void spend(Bucket& bucket, Millis interval, BootTime now);
    void forget_idle(BootTime now);
    [[nodiscard]] Millis room_in_tables(BootTime now);

    TakeLimits limits_;
    std::unordered_map<Pair, Bucket> pairs_;
    std::unordered_map<EnrolmentId, Bucket> sources_;
    std::unordered_map<EnrolmentId, Window> targets_;
    BootTime swept_;
};

}  // namespace melder::keyserver
