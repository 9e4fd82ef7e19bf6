#pragma once
// The help desk's requests to the relay: what a device refused, and its release. For administrators with `helpdesk`.
//
// Threads: everything on the home core. `home` brings answers back to it.

#include <unordered_map>

#include "proto/link.pb.h"
#include "relay/relay.hpp"

namespace melder::apps {

class HelpDesk {
public:
    /// Both outlive the object and what it posted.
    HelpDesk(relay::Relay& relay, server::Executor home);

    [[nodiscard]] static bool serves(wire::Frame::BodyCase body) noexcept;
    void on_open(server::Session& session);
    void on_frame(server::Session& session, const wire::Frame& frame);
    void on_close(const server::Session& session);

private:
    struct Desk {
        server::Session* session = nullptr;
        std::size_t open = 0;  ///< requests that wait for an answer
    };
    void answer(server::SessionId id, std::uint32_t number, wire::Frame reply);

    relay::Relay& relay_;
    server::Executor home_;
    std::unordered_map<server::SessionId, Desk> desks_;
};

}  // namespace melder::apps
