#pragma once
// The keyserver's share of the sessions of one home core: takes their requests to the lanes that may block, brings the
// answers back. One request of a session is worked on at a time, so answers come in the order of the requests.
//
// Threads: everything on the home core. `home` brings work back to it.

#include <atomic>
#include <deque>
#include <memory>
#include <unordered_map>

#include "keyserver/counters.hpp"
#include "keyserver/keyserver.hpp"

namespace melder::keyserver {

/// Where blocking work goes: `WorkLane(1, …).executor()` and `WorkLane(4).executor()`; inline in tests.
struct KeyserverLanes {
    server::Executor writes;  ///< one after the other
    server::Executor reads;
    std::atomic<std::size_t> waiting{0};  ///< requests of all sessions
};

class KeyserverCore final : public server::SessionHandler {
public:
    /// What only the relay knows about a device (last seen, mailbox lanes, connected); answers on any thread, once.
    using FillStatus = std::function<void(wire::DeviceStatus status, std::function<void(wire::DeviceStatus)> done)>;

    /// All outlive the core and what it posted: stop the lanes first, then the loops. `fill_status` may be empty.
    KeyserverCore(Keyserver& keyserver, KeyserverLanes& lanes, server::Executor home, FillStatus fill_status = {});

    /// True for the frames that `on_frame` serves; others go to the relay.
    [[nodiscard]] static bool serves(wire::Frame::BodyCase body) noexcept;

    void on_open(server::Session& session, wire::Welcome& welcome) override;
    /// Tells a device that its prekeys run low.
    void on_ready(server::Session& session) override;
    void on_frame(server::Session& session, wire::Frame& frame) override;
    void on_message_end(server::Session&) override {}
    void on_writable(server::Session&) override {}
    void on_close(server::Session& session) override;
    void on_shutdown(std::function<void()> done) override { done(); }

    /// They go on counting. From any thread.
    [[nodiscard]] const KeyserverCounters& counters() const noexcept { return counters_; }

    /// A notice, if the device is connected here.
    void tell_prekeys_low(const EnrolmentId& device, std::uint32_t one_time_count);

private:
    struct Waiting {
        server::Session* session = nullptr;
        std::deque<wire::Frame> frames;
        bool busy = false;
    };
    void start_next(server::SessionId id);
    void finish(server::SessionId id, std::vector<wire::Frame> replies);
    void finish_from_lane(server::SessionId id, const RequestMark& mark, std::vector<wire::Frame> replies);

    Keyserver& keyserver_;
    KeyserverLanes& lanes_;
    server::Executor home_;
    FillStatus fill_status_;
    KeyserverCounters counters_;
    std::unordered_map<server::SessionId, Waiting> sessions_;
    std::unordered_map<EnrolmentId, server::SessionId> devices_;
};

}  // namespace melder::keyserver
