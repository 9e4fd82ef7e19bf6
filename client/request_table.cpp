#include "client/request_table.hpp"

#include <algorithm>
#include <utility>

namespace melder::client {

Error error_of(const wire::ErrorReply& reply) {
    const auto code = is_known(reply.code()) ? static_cast<Errc>(reply.code()) : Errc::internal;
    return {code, reply.retry_after_ms()};
}

std::uint32_t RequestTable::add(LinkConnection::PartHandler handler, std::chrono::milliseconds deadline,
                                TimePoint now) {
    do {
        ++last_;
    } while (last_ == 0 || waiting_.contains(last_));
    waiting_.emplace(last_, Waiting{std::move(handler), deadline, now + deadline});
    return last_;
}

bool RequestTable::deliver(wire::Frame& frame, TimePoint now) {
    const auto found = waiting_.find(frame.request());
    if (found == waiting_.end()) return false;
    // Out of the table while it runs: it may end all requests, or this connection.
    auto waiting = std::move(found->second);
    const auto number = found->first;
    waiting_.erase(found);
    if (frame.has_error()) {
        waiting.handler(error_of(frame.error()));
        return true;
    }
    if (waiting.handler(std::move(frame)) == LinkConnection::Reply::last_part) return true;
    if (ended_.has_value()) {
        waiting.handler(*ended_);
    } else {
        waiting.due = now + waiting.deadline;
        waiting_.emplace(number, std::move(waiting));
    }
    return true;
}

void RequestTable::expire(TimePoint now) {
    std::vector<LinkConnection::PartHandler> due;
    std::erase_if(waiting_, [&](auto& entry) {
        if (entry.second.due > now) return false;
        due.push_back(std::move(entry.second.handler));
        return true;
    });
    for (const auto& handler : due)
        handler(Errc::deadline_exceeded);
}

void RequestTable::fail_all(const Error& error) {
    ended_ = error;
    for (const auto& [number, waiting] : std::exchange(waiting_, {}))
        waiting.handler(error);
}

std::optional<RequestTable::TimePoint> RequestTable::next_due() const {
    std::optional<TimePoint> next;
    for (const auto& [number, waiting] : waiting_)
        next = next ? std::min(*next, waiting.due) : waiting.due;
    return next;
}

}  // namespace melder::client
