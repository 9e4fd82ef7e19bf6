#pragma once
// One timer per event loop instead of one per connection: who has to be looked at in which tick.

#include <array>
#include <chrono>
#include <vector>

#include "server/link/deadlines.hpp"
#include "server/link/session.hpp"

namespace melder::server {

class TimerWheel {
public:
    TimerWheel(std::chrono::milliseconds tick, LinkTime start) : tick_(tick), start_(start) {}

    /// `id` comes out of `expire` at the first tick not before `due`, or after one turn of the wheel, whichever is
    /// first. Returns that tick: an id that is scheduled twice comes out twice, and its owner tells by it which one
    /// counts.
    std::uint64_t schedule(SessionId id, LinkTime due);

    struct Entry {
        SessionId id;
        std::uint64_t tick;
    };
    /// Takes out everything whose tick has come.
    [[nodiscard]] std::vector<Entry> expire(LinkTime now);

private:
    static constexpr std::size_t slots = 256;
    std::chrono::milliseconds tick_;
    LinkTime start_;
    std::uint64_t done_ = 0;  ///< ticks up to here have been taken out
    std::array<std::vector<Entry>, slots> slots_;
};

}  // namespace melder::server
