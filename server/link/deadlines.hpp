#pragma once
// When a connection is pinged or given up: a rule of time alone.

#include <chrono>
#include <cstdint>

#include "server/link/link_config.hpp"

namespace melder::server {

/// The loop's monotonic time; any number in tests.
using LinkTime = std::chrono::steady_clock::time_point;

struct Deadlines {
    enum class Phase : std::uint8_t {
        handshake,  ///< TLS and HTTP upgrade
        login,      ///< since Hello
        open,
        closing
    };
    enum class Due : std::uint8_t { nothing, ping, give_up };
    struct Verdict {
        Due due;
        LinkTime next;  ///< look again then
    };

    Phase phase = Phase::handshake;
    bool pinged = false;  ///< since the peer was heard last
    LinkTime since{};     ///< the phase began
    LinkTime heard{};     ///< a byte came from the peer, or room for one of ours

    void enter(Phase next, LinkTime now) noexcept;
    void hear(LinkTime now) noexcept;
    /// `ping` is said once per silence.
    [[nodiscard]] Verdict check(const LinkTimes& times, LinkTime now) noexcept;
};

}  // namespace melder::server
