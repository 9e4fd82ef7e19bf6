#pragma once
// The delivery contract (DESIGN §4) of the devices of one home core, free of I/O: events in, actions out.
//
//     An envelope is acknowledged to its sender only after the receiving device has acknowledged it, or after it is on
//     stable storage in the mailbox.
//
// Per envelope: forwarded → done (ack); forwarded → storing (deadline, disconnect, full outbox, pause, replacement,
// shutdown); storing → stored (synced; the sender is acknowledged). Actions are carried out in their order.
// Not thread-safe: belongs to its core.

#include "relay/delivery_state.hpp"

namespace melder::relay {

class DeliveryLogic {
public:
    // The device
    Actions on_connect(const EnrolmentId& device, ConnectionId connection, Now now);
    /// Of a connection that was replaced: ignored.
    Actions on_disconnect(const EnrolmentId& device, ConnectionId connection, Now now);
    Actions on_pause(const EnrolmentId& device, ConnectionId connection, Now now);
    Actions on_resume(const EnrolmentId& device, ConnectionId connection, Now now);
    Actions on_ack(const EnrolmentId& device, Lane lane, const EnvelopeId& id, Now now);
    Actions on_received(const EnrolmentId& device, Lane lane, const EnvelopeId& id, Now now);
    Actions on_defer(const EnrolmentId& device, Lane lane, const EnvelopeId& id, Now now);
    Actions on_refuse(const EnrolmentId& device, Lane lane, const EnvelopeId& id, Errc code, Now now);
    Actions on_retry(const EnrolmentId& device, Lane lane, const EnvelopeId& id, Now now);
    /// A Forward found no room in the outbox: it was not sent. Nothing further is until on_writable.
    Actions on_unsent(const EnrolmentId& device, ConnectionId connection, Lane lane, const EnvelopeId& id, Now now);
    /// Neither was this said: it is said again when all that comes before it was sent.
    Actions on_unsaid(const SayMailboxEmpty& unsaid, Now now);
    Actions on_writable(const EnrolmentId& device, ConnectionId connection, Now now);
    /// An administrator put this stored entry back from aside: whoever is connected gets it now.
    Actions on_released(const EnrolmentId& device, Lane lane, std::uint64_t sequence, Now now);
    /// Replaced or removed: waiting senders are told `unknown_device`, the mailbox goes.
    Actions on_device_removed(const EnrolmentId& device, Now now);

    // Senders
    Actions on_submit(const EnrolmentId& device, Envelope envelope, Waiter waiter, Now now);

    // Time
    Actions on_tick(Now now);
    [[nodiscard]] std::optional<BootTime> next_deadline() const;

    // The store
    Actions on_loaded(const EnrolmentId& device, bool loaded, Now now);
    Actions on_put(StoreTicket ticket, const std::vector<server::PutResult>& results, Now now);
    /// Nothing: the store failed; the drain is tried again at the next tick.
    Actions on_listed(StoreTicket ticket, std::optional<server::ListPage> page, Now now);

    // Shutdown
    Actions on_shutdown(Now now);
    /// No envelope is in transit.
    [[nodiscard]] bool is_quiet() const;

    [[nodiscard]] bool is_connected(const EnrolmentId& device) const;
    [[nodiscard]] std::size_t devices() const noexcept { return devices_.size(); }

private:
    struct Ticket {
        EnrolmentId device;
        Lane lane;
        std::vector<std::uint64_t> orders;  ///< of a put
        std::optional<EnvelopeId> single;   ///< of a list for one deferred entry
    };
    struct Due {
        BootTime at;
        EnrolmentId device;
        Lane lane;
        std::uint64_t order;
    };
    struct DeferredDue {
        BootTime at;
        EnrolmentId device;
        Lane lane;
        EnvelopeId id;
    };
    struct Done {
        Hash hash;
        UnixTime until;
    };
    using DoneKey = std::pair<EnrolmentId, EnvelopeId>;

    DeviceState& touch(const EnrolmentId& device, Actions& out);
    /// Runs `event` now, or once the device is loaded; drops it when the queue is full. Unknown devices have no events.
    Actions when_ready(const EnrolmentId& device, Now now, std::function<Actions(DeviceState&, Now)> event);
    bool is_present(const DeviceState& state, ConnectionId connection) const { return state.connection == connection; }
    void submit(const EnrolmentId& device, DeviceState& state, Envelope envelope, Waiter waiter, Now now, Actions& out);
    /// True if an earlier submit of the id settles this one.
    bool repeat(const EnrolmentId& device, LaneState& lane, const Envelope& envelope, Waiter waiter, Actions& out);
    [[nodiscard]] static bool share_exceeded(LaneState& lane, const EnrolmentId& sender, UnixTime now);
    void connect(const EnrolmentId& device, DeviceState& state, ConnectionId connection, Now now, Actions& out);
    void refuse_stored(const EnrolmentId& device, DeviceState& state, Lane lane, const EnvelopeId& id, Errc code,
                       bool final, Actions& out);

    // delivery_spill.cpp
    /// Turns what is forwarded up to `order` into storing, and puts what is not under way.
    void spill(const EnrolmentId& device, LaneState& lane, Lane which, std::uint64_t order, Now now, Actions& out);
    void spill_all(const EnrolmentId& device, DeviceState& state, Now now, Actions& out);
    void issue_put(const EnrolmentId& device, LaneState& lane, Lane which, Now now, Actions& out);
    void settle_put(const EnrolmentId& device, DeviceState& state, Lane which, std::uint64_t order,
                    const server::PutResult& result, Now now, Actions& out);
    static void forget(LaneState& lane, std::map<std::uint64_t, Transit>::iterator entry, bool stays_stored);
    static void answer(Transit& entry, Errc code, Actions& out);
    static void acknowledge(Transit& entry, Actions& out);
    void remember_done(const EnrolmentId& device, const EnvelopeId& id, const Hash& hash, UnixTime expires_at);
    void forget_if_idle(const EnrolmentId& device);

    // delivery_drain.cpp
    void end_connection(const EnrolmentId& device, DeviceState& state, Now now, Actions& out);
    void start_drain(DeviceState& state);
    void pump(const EnrolmentId& device, DeviceState& state, Now now, Actions& out);
    void pump_lane(const EnrolmentId& device, DeviceState& state, Lane which, Now now, Actions& out);
    void send_page(const EnrolmentId& device, DeviceState& state, Lane which, Now now, Actions& out);
    bool send_stored(const EnrolmentId& device, DeviceState& state, Lane which, server::ListedEntry& entry, Now now,
                     Actions& out);
    void list(const EnrolmentId& device, LaneState& lane, Lane which, Actions& out);
    void send_transit(const EnrolmentId& device, DeviceState& state, Lane which, std::uint64_t order, Now now,
                      Actions& out);

    std::unordered_map<EnrolmentId, DeviceState> devices_;
    std::unordered_map<StoreTicket, Ticket> tickets_;
    std::uint64_t last_order_ = 0;
    StoreTicket last_ticket_ = 0;
    std::deque<Due> deadlines_;         ///< ascending: all are equally long
    std::deque<Due> retries_;           ///< ascending likewise
    std::deque<DeferredDue> deferred_;  ///< ascending likewise
    std::map<DoneKey, Done> done_;
    std::deque<DoneKey> done_order_;  ///< oldest first; bounds done_
};

}  // namespace melder::relay
