#pragma once
// What follows when an inner message does not decrypt: at most one re-send request per (envelope, requester), at most
// one session repair per peer device and hour, and if nothing comes of it, a visible *lost message*. Never silence. The
// device with the lower id starts the new session, the other asks for it. Decision only; one thread.

#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/limits.hpp"

namespace melder::sdk {

struct AskResend {
    EnrolmentId peer;
    EnvelopeId envelope;
};
/// Take a fresh bundle, archive the present session, and let the peer know by the next message.
struct StartSession {
    EnrolmentId peer;
};
struct AskSession {
    EnrolmentId peer;
};
struct SendAgain {
    EnrolmentId peer;
    EnvelopeId envelope;
};
struct SendLost {
    EnrolmentId peer;
    EnvelopeId envelope;
};
struct ReportLost {
    EnrolmentId peer;
    EnvelopeId envelope;
};
using RepairAction = std::variant<AskResend, StartSession, AskSession, SendAgain, SendLost, ReportLost>;

class RepairLogic {
public:
    using Actions = std::vector<RepairAction>;
    explicit RepairLogic(const EnrolmentId& self) : self_(self) {}

    /// The sealed layer authenticated `peer`, the inner message failed. `session_broken`: a new session is needed;
    /// false where only this message can't be read (a key that was used before).
    [[nodiscard]] Actions on_undecryptable(const EnrolmentId& peer, const EnvelopeId& envelope, bool session_broken,
                                           UnixTime expires_at, BootTime now);
    /// The peer says that it can't send it again.
    [[nodiscard]] Actions on_lost(const EnrolmentId& peer, const EnvelopeId& envelope);
    /// Something of the peer that was sent again has arrived: its oldest open request is answered.
    void on_resent(const EnrolmentId& peer);

    /// The peer asks. `can_send`: it is recorded as a recipient, unrevoked, and the content is still kept.
    [[nodiscard]] Actions on_resend_request(const EnrolmentId& peer, const EnvelopeId& envelope, bool can_send);
    [[nodiscard]] Actions on_session_request(const EnrolmentId& peer, BootTime now);

    /// Requests without an answer are lost after 24 h or when the envelope's time is over.
    [[nodiscard]] Actions on_tick(UnixTime now, BootTime boot);

    static constexpr std::size_t open_requests = 256;      ///< per peer; beyond: reported as lost at once
    static constexpr std::size_t answered_longest = 4096;  ///< per peer, remembered requests; beyond: refused with LOST

private:
    struct Open {
        UnixTime expires_at;
        BootTime since;
        std::uint64_t order = 0;
    };
    struct Peer {
        std::map<EnvelopeId, Open> open;
        std::set<EnvelopeId> answered;
        std::optional<BootTime> repaired_at;
    };
    [[nodiscard]] static bool may_repair(Peer& peer, BootTime now);

    EnrolmentId self_;
    std::map<EnrolmentId, Peer> peers_;
    std::uint64_t next_order_ = 1;
};

}  // namespace melder::sdk
