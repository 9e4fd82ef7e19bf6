#pragma once
// What a running server counts: a number that one thread writes and any thread reads. No lock, no locked instruction.
// One object per writing thread; whoever reads adds them up.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/errc.hpp"

namespace melder::server {

/// Written by one thread only.
class Counter {
public:
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t n = 1) noexcept { add(0 - n); }
    /// Of a level, which goes up and down.
    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// One counter per error code.
class CodeCounters {
public:
    void add(Errc code, std::uint64_t n = 1) noexcept { counters_[place_of(code)].add(n); }
    [[nodiscard]] std::uint64_t value(Errc code) const noexcept { return counters_[place_of(code)].value(); }

private:
#define MELDER_ERRC_NUMBER(name, number, text) number,
    static constexpr std::size_t highest_ = std::max({MELDER_ERRC_TABLE(MELDER_ERRC_NUMBER)});
#undef MELDER_ERRC_NUMBER
    [[nodiscard]] static std::size_t place_of(Errc code) noexcept {
        return std::min(static_cast<std::size_t>(code), highest_);
    }
    std::array<Counter, highest_ + 1> counters_;
};

/// How long something took, in buckets. Written by one thread only.
class LatencyHistogram {
public:
    /// Upper bounds in seconds, inclusive; above the last is one more bucket. A sync takes 0.24 ms on an SSD; a device
    /// that has not acknowledged after 250 ms is served through the store; requests give up after seconds.
    static constexpr std::array bounds_s = {0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                            0.05,    0.1,    0.25,  0.5,    1.0,   2.5,  10.0};

    void observe(std::chrono::steady_clock::duration took) noexcept {
        const auto seconds = std::chrono::duration<double>(took).count();
        const auto place = std::lower_bound(bounds_s.begin(), bounds_s.end(), seconds) - bounds_s.begin();
        counts_[static_cast<std::size_t>(place)].add();
        const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
        total_ns_.add(static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0)));
    }

    struct Snapshot {
        std::array<std::uint64_t, bounds_s.size() + 1> counts{};  ///< per bucket, not cumulative
        double total_s = 0;
    };
    void add_to(Snapshot& sum) const noexcept {
        for (std::size_t i = 0; i < counts_.size(); ++i)
            sum.counts[i] += counts_[i].value();
        sum.total_s += static_cast<double>(total_ns_.value()) / 1e9;
    }

private:
    std::array<Counter, bounds_s.size() + 1> counts_;
    Counter total_ns_;
};

}  // namespace melder::server
