#pragma once
// Which requests wait for a reply, and until when. No I/O, no clock.

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "client/link_connection.hpp"

namespace melder::client {

class RequestTable {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// The number to send it under: > 0, unique among the waiting.
    [[nodiscard]] std::uint32_t add(LinkConnection::PartHandler handler, std::chrono::milliseconds deadline,
                                    TimePoint now);
    /// Hands a frame to the request it answers; false if none waits under its number. An ErrorReply ends the request.
    /// The handler may call back into the table.
    bool deliver(wire::Frame& frame, TimePoint now);
    /// Without a word to its handler.
    void forget(std::uint32_t request) { waiting_.erase(request); }
    /// Ends what is due with `deadline_exceeded`.
    void expire(TimePoint now);
    /// Ends all with `error`; nothing may be added afterwards.
    void fail_all(const Error& error);
    [[nodiscard]] std::optional<TimePoint> next_due() const;
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }

private:
    struct Waiting {
        LinkConnection::PartHandler handler;
        std::chrono::milliseconds deadline;
        TimePoint due;
    };
    std::map<std::uint32_t, Waiting> waiting_;
    std::uint32_t last_ = 0;
    std::optional<Error> ended_;
};

/// The Error that an ErrorReply stands for. Its detail stays out: it is the server's text.
[[nodiscard]] Error error_of(const wire::ErrorReply& reply);

}  // namespace melder::client
