#include "server/link/deadlines.hpp"

namespace melder::server {
namespace {

Deadlines::Verdict until(LinkTime deadline, LinkTime now) noexcept {
    return {now >= deadline ? Deadlines::Due::give_up : Deadlines::Due::nothing, deadline};
}

}  // namespace

void Deadlines::enter(Phase next, LinkTime now) noexcept {
    phase = next;
    since = now;
    hear(now);
}

void Deadlines::hear(LinkTime now) noexcept {
    heard = now;
    pinged = false;
}

Deadlines::Verdict Deadlines::check(const LinkTimes& times, LinkTime now) noexcept {
    switch (phase) {
        case Phase::handshake:
            return until(since + times.handshake, now);
        case Phase::login:
            return until(since + times.login, now);
        case Phase::closing:
            return until(since + times.closing, now);
        case Phase::open:
            break;
    }
    if (now < heard + times.ping) return {Due::nothing, heard + times.ping};
    const auto verdict = until(heard + times.dead, now);
    if (verdict.due == Due::give_up || pinged) return verdict;
    pinged = true;
    return {Due::ping, verdict.next};
}

}  // namespace melder::server
