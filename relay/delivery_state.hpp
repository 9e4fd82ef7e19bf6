#pragma once
// What DeliveryLogic remembers of one device.

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

#include "relay/delivery_events.hpp"

namespace melder::relay {

/// An envelope that is in the relay's memory: *forwarded* (sent, not acknowledged) or *storing*.
struct Transit {
    Envelope envelope;
    std::optional<Waiter> waiter;
    bool storing = false;
    bool delivered = false;     ///< sent on the present connection
    bool acknowledged = false;  ///< by the device, while storing: deleted after the commit
    bool issued = false;        ///< in the put that is under way
    server::EntryMarks marks;
    std::optional<BootTime> failing_since;
};

/// A stored entry that was sent on the present connection and not acknowledged.
struct Delivered {
    std::uint64_t sequence = 0;
    Hash hash;
    server::EntryMarks marks;
    bool refused_here = false;  ///< refusals count once per connection
};

struct Owner {
    EnrolmentId sender;
    UnixTime expires_at;
};

struct LaneState {
    std::map<std::uint64_t, Transit> transit;  ///< by order of acceptance
    std::unordered_map<EnvelopeId, std::uint64_t> order_of;
    StoreTicket put_ticket = 0;  ///< one put at a time keeps the order through errors
    bool put_waits = false;      ///< for a retry

    std::unordered_map<EnvelopeId, Delivered> delivered;
    std::unordered_map<EnvelopeId, std::size_t> window;  ///< sent, neither received nor answered; bytes
    std::size_t window_bytes = 0;
    std::unordered_map<EnvelopeId, Owner> owners;  ///< of what is in transit or stored, as far as this process knows

    bool drained = false;
    bool needs_list = false;
    StoreTicket list_ticket = 0;
    std::uint64_t cursor = 0;   ///< the last sequence taken into `page`
    std::uint64_t barrier = 0;  ///< transit of this order or lower must have left before the drain starts
    std::deque<server::ListedEntry> page;
    std::uint32_t expired_unread = 0;

    [[nodiscard]] bool window_open(std::size_t bytes) const noexcept {
        return window.empty() ||
               (window.size() < limits::window_envelopes && window_bytes + bytes <= limits::window_bytes);
    }
    void leave_window(const EnvelopeId& id) {
        const auto found = window.find(id);
        if (found == window.end()) return;
        window_bytes -= found->second;
        window.erase(found);
    }
};

struct Now {
    UnixTime wall;
    BootTime boot;
};

/// An event that came while the mailbox was being loaded.
struct QueuedEvent {
    std::function<Actions(Now)> run;
    std::optional<Waiter> waiter;  ///< of a submit
};

struct DeviceState {
    bool loading = true;
    std::vector<QueuedEvent> queued;
    std::optional<ConnectionId> connecting;  ///< made while loading: never lost in a full queue
    std::optional<ConnectionId> connection;
    bool paused = false;
    bool blocked = false;  ///< the connection's outbox is full
    std::array<LaneState, lane_count> lanes;

    [[nodiscard]] bool reachable() const noexcept { return connection && !paused && !blocked; }
    LaneState& lane(Lane which) { return lanes[static_cast<std::size_t>(which)]; }
};

}  // namespace melder::relay
