#pragma once
// The relay: device to device, mailboxes for whoever is offline. One Relay a process, one RelayCore per event loop.
//
//     Relay relay(loops, store, devices, clock, log);
//     // in the SessionHandler of core i: pass sessions of devices with full rights and their frames on
//     relay.core(i).on_frame(session, frame);
//     // when the directory says that a device was replaced or removed
//     relay.remove_device(id);

#include <functional>
#include <memory>

#include "core/clock.hpp"
#include "relay/counters.hpp"
#include "relay/device_view.hpp"
#include "relay/presence.hpp"
#include "server/link/event_loops.hpp"
#include "server/link/session.hpp"
#include "server/log.hpp"
#include "server/stores/mailbox_store.hpp"

namespace melder::relay {

struct RelayPlaces {
    server::EventLoops& loops;
    server::MailboxStore& store;
    const DeviceView& devices;
    const Clock& clock;
    server::Log& log;
};

class Relay;

/// Called on its core's loop only, with sessions of Peer::Kind::device.
class RelayCore {
public:
    RelayCore(Relay& relay, RelayPlaces places, std::size_t index);
    ~RelayCore();
    void on_open(server::Session& session, wire::Welcome& welcome);
    void on_ready(server::Session& session);
    /// False: the frame is none of the relay's.
    bool on_frame(server::Session& session, wire::Frame& frame);
    void on_message_end(server::Session& session);
    void on_writable(server::Session& session);
    void on_close(server::Session& session);
    void on_shutdown(std::function<void()> done);
    /// They go on counting. From any thread.
    [[nodiscard]] const RelayCounters& counters() const;

private:
    friend class Relay;
    class Impl;
    std::shared_ptr<Impl> impl_;
};

class Relay {
public:
    /// All outlive the relay; stop the loops before it dies.
    explicit Relay(RelayPlaces places);
    ~Relay();
    [[nodiscard]] RelayCore& core(std::size_t index) { return *cores_.at(index); }
    /// From any thread. Waiting senders are told `unknown_device`; the mailbox is deleted.
    void remove_device(const EnrolmentId& device);
    struct DeviceMail {
        server::MailboxSummary mailbox;
        bool connected = false;
        std::optional<Presence> presence;  ///< since this process started
    };
    /// For ShowDevice. From any thread; `done` runs through `executor`.
    void load_mail(const EnrolmentId& device, server::Executor executor, std::function<void(Result<DeviceMail>)> done);
    struct AsideEntry {
        Lane lane = Lane::normal;
        EnvelopeId id;
        std::uint64_t sequence = 0;
        server::EntryMarks marks;
        std::size_t bytes = 0;
        UnixTime expires_at;
    };
    using Aside = std::vector<AsideEntry>;
    /// What the device refused three times, by lane and age. From any thread; `done` runs through `executor`.
    void list_aside(const EnrolmentId& device, server::Executor executor, std::function<void(Result<Aside>)> done);
    /// Puts these back (all of them, if none is named): delivered at once to a connected device. Answers how many.
    void release_aside(const EnrolmentId& device, std::vector<EnvelopeId> which, server::Executor executor,
                       std::function<void(Result<std::size_t>)> done);

private:
    friend class RelayCore;
    RelayPlaces places_;
    std::vector<std::unique_ptr<RelayCore>> cores_;
};

}  // namespace melder::relay
