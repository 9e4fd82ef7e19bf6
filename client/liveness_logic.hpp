#pragma once
// When a silent server is asked for a sign of life, and when it is given up. Decision: no clock, no I/O.
//
// Silence counts from the last byte heard, but not while this side itself did not read. After the path to the server
// changed (Wi-Fi to cellular), it has little time to answer a ping.

#include <algorithm>
#include <chrono>
#include <optional>

namespace melder::client {

class LivenessLogic {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Millis = std::chrono::milliseconds;
    struct Times {
        Millis ping;        ///< of silence, then a ping
        Millis dead;        ///< of silence, then the end
        Millis path_check;  ///< for an answer after the path changed
    };
    enum class Due { nothing, ping, give_up };

    explicit LivenessLogic(const Times& times) : times_(times) {}

    /// The conversation begins, or reading goes on: what was silent before does not count.
    void on_reading(TimePoint now);
    void on_paused() noexcept { reading_ = false; }
    void on_pinged(TimePoint now) noexcept { pinged_ = now; }
    /// A ping should follow at once.
    void on_path_changed(TimePoint now) noexcept { path_changed_ = now; }

    /// `heard` is the time of the last byte from the server. After `ping` the caller says on_pinged.
    [[nodiscard]] Due check(TimePoint heard, TimePoint now);
    /// When to check next.
    [[nodiscard]] TimePoint next(TimePoint heard) const;

private:
    [[nodiscard]] TimePoint silent_since(TimePoint heard) const { return std::max(heard, resumed_); }

    Times times_;
    bool reading_ = true;
    TimePoint resumed_{};
    TimePoint pinged_{};
    std::optional<TimePoint> path_changed_;
};

}  // namespace melder::client
