#pragma once
// What one core's relay counts. Written by its loop, read from anywhere.

#include <array>

#include "core/envelope.hpp"
#include "server/counter.hpp"
#include "server/stores/mailbox_store.hpp"

namespace melder::relay {

/// Envelopes, one per recipient.
struct LaneCounters {
    server::Counter submitted;  ///< routed to a recipient's core; by the sender's core, all others by the recipient's
    server::Counter forwarded;  ///< handed to a connection, first time or again, from memory or mailbox
    server::Counter acknowledged;  ///< by the device
    server::Counter received;      ///< link credit given back
    server::Counter deferred;
    server::Counter refused;  ///< by the device
    server::Counter moved_aside;
    server::Counter expired_unread;
    std::array<server::Counter, 6> puts;  ///< by server::PutOutcome
};

struct RelayCounters {
    std::array<LaneCounters, lane_count> lanes;
    server::CodeCounters sender_refusals;  ///< whole submits, and single recipients of them
    server::CodeCounters device_refusals;  ///< what devices gave as their reason; unknown numbers count as `internal`
    server::LatencyHistogram submit;       ///< from a complete upload to the last recipient's answer
    server::LatencyHistogram drain;        ///< from a login until every lane said that its mailbox is empty
    server::Counter list_failures;
    server::Counter unanswered;  ///< submits now
    server::Counter devices;     ///< in memory now, connected or with something under way

    [[nodiscard]] LaneCounters& of(Lane lane) noexcept { return lanes[static_cast<std::size_t>(lane)]; }
};

}  // namespace melder::relay
