#pragma once
// How long to wait before the next attempt: 0.5 s, doubled each time up to 60 s, and each wait shortened at random by
// up to half, so that thousands of phones that lost one server do not return in the same second. Decision only.

#include <algorithm>

#include "core/clock.hpp"
#include "core/limits.hpp"
#include "core/random.hpp"

namespace melder::sdk {

class Backoff {
public:
    /// The wait before the next attempt; never shorter than what the other side asked for.
    [[nodiscard]] Millis next(Random& random, Millis asked_for = Millis(0)) {
        const auto full = step_;
        step_ = std::min<Millis>(step_ * 2, limits::backoff_longest);
        const auto half = static_cast<std::uint64_t>(full.count()) / 2;
        const auto wait = full - Millis(random.below(half + 1));
        return std::max(wait, asked_for + Millis(random.below(half + 1)));
    }
    void reset() noexcept { step_ = limits::backoff_first; }

private:
    Millis step_ = limits::backoff_first;
};

}  // namespace melder::sdk
