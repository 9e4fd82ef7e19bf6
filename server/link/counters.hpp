#pragma once
// What the link counts, for metrics and `Status`. Written by one loop each, read from anywhere.

#include <cstdint>

#include "server/counter.hpp"

namespace melder::server {

#define MELDER_LINK_COUNTER_TABLE(X)                                            \
    X(accepted)          /* connections accepted */                             \
    X(accept_failed)     /* accept() failed, e.g. no descriptors left */        \
    X(not_admitted)      /* closed at once: too many that have not logged in */ \
    X(open)              /* connections now, in any phase */                    \
    X(sessions)          /* logged-in connections now */                        \
    X(handshakes)        /* TLS handshakes completed */                         \
    X(handshakes_failed) /* TLS or upgrade refused */                           \
    X(logins)            /* devices, full rights */                             \
    X(restricted_logins)                                                        \
    X(admin_logins)                                                             \
    X(enrolments)                                                               \
    X(refused_logins)   /* unknown, wrong signature, … */                       \
    X(deadlines_missed) /* closed in handshake or login by the deadline */      \
    X(dead_peers)       /* closed after silence */                              \
    X(replaced)         /* closed by a second connection of the device */       \
    X(protocol_errors)  /* closed for bytes that break the protocol */          \
    X(refused_frames)   /* frames the session had no right to send */           \
    X(outbox_refused)   /* frames that found no room */                         \
    X(frames_in)                                                                \
    X(frames_out)                                                               \
    X(messages_in)                                                              \
    X(messages_out)                                                             \
    X(reads_paused) /* stopped reading for want of outbox room */

/// A snapshot.
struct LinkCounters {
#define MELDER_LINK_COUNTER_FIELD(name) std::uint64_t name = 0;
    MELDER_LINK_COUNTER_TABLE(MELDER_LINK_COUNTER_FIELD)
#undef MELDER_LINK_COUNTER_FIELD
};

/// One core's counters.
struct CoreCounters {
#define MELDER_LINK_COUNTER_FIELD(name) Counter name;
    MELDER_LINK_COUNTER_TABLE(MELDER_LINK_COUNTER_FIELD)
#undef MELDER_LINK_COUNTER_FIELD
    CodeCounters login_refusals;  ///< logins and enrolments
    Counter last_tick_ms;         ///< std::chrono::steady_clock, when the loop last came to its timers

    void add_to(LinkCounters& sum) const noexcept {
#define MELDER_LINK_COUNTER_ADD(name) sum.name += name.value();
        MELDER_LINK_COUNTER_TABLE(MELDER_LINK_COUNTER_ADD)
#undef MELDER_LINK_COUNTER_ADD
    }
};

}  // namespace melder::server
