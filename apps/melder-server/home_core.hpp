#pragma once
// One event loop's services behind the link: hands each frame to the relay or the keyserver.

#include "apps/melder-server/help_desk.hpp"
#include "keyserver/keyserver_core.hpp"
#include "relay/relay.hpp"
#include "server/link/event_loops.hpp"

namespace melder::apps {

class HomeCore final : public server::SessionHandler {
public:
    /// All outlive this object. `started`: when the relay did.
    HomeCore(std::size_t core, server::EventLoops& loops, relay::Relay& relay, keyserver::Keyserver& keyserver,
             keyserver::KeyserverLanes& lanes, UnixTime started);

    void on_open(server::Session& session, wire::Welcome& welcome) override;
    void on_ready(server::Session& session) override;
    void on_frame(server::Session& session, wire::Frame& frame) override;
    void on_message_end(server::Session& session) override;
    void on_writable(server::Session& session) override;
    void on_close(server::Session& session) override;
    void on_shutdown(std::function<void()> done) override;

    /// On this core's loop.
    void tell_prekeys_low(const EnrolmentId& device, std::uint32_t one_time_count);

    /// They go on counting. From any thread.
    [[nodiscard]] const relay::RelayCounters& relay_counters() const { return relay_.counters(); }
    [[nodiscard]] const keyserver::KeyserverCounters& keyserver_counters() const { return keyserver_.counters(); }

private:
    relay::RelayCore& relay_;
    keyserver::KeyserverCore keyserver_;
    HelpDesk help_desk_;
};

}  // namespace melder::apps
