#pragma once
// What follows when an inner message does not decrypt: at most one re-send request per (envelope, requester), at most
// one session repair per peer device and hour, and if nothing comes of it, a visible *lost message*. Never silence. The
// device with the lower id starts the new session, the other asks for it. A re-send that can't be read either ends the
// matter: asking for it again would go on for ever. Decision only; one thread.

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
    EnvelopeId envelope;  ///< one that could not be read
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

    /// No message of the peer can be read in the session there is.
    [[nodiscard]] Actions on_broken_session(const EnrolmentId& peer, const EnvelopeId& envelope, UnixTime now);
    /// The sealed layer authenticated `peer`, the inner message failed. `answers`: what this envelope said it was sent
    /// again for. Without an answer it is lost at `lost_at`.
    [[nodiscard]] Actions on_undecryptable(const EnrolmentId& peer, const EnvelopeId& envelope,
                                           const std::optional<EnvelopeId>& answers, UnixTime lost_at);
    /// The peer says that it can't send it again.
    [[nodiscard]] Actions on_lost(const EnrolmentId& peer, const EnvelopeId& envelope);
    /// What was sent again for this envelope has been read. False if nobody waited for it.
    bool on_resent(const EnrolmentId& peer, const EnvelopeId& envelope);
    [[nodiscard]] bool waits_for(const EnrolmentId& peer, const EnvelopeId& envelope) const;

    /// The peer asks. `can_send`: it is recorded as a recipient, unrevoked, and the content is still kept.
    [[nodiscard]] Actions on_resend_request(const EnrolmentId& peer, const EnvelopeId& envelope, bool can_send);
    /// SendAgain could not be done at this moment; the same request may come once more.
    void on_resend_failed(const EnrolmentId& peer, const EnvelopeId& envelope) { answered_.erase({peer, envelope}); }
    [[nodiscard]] Actions on_session_request(const EnrolmentId& peer, UnixTime now);

    /// Requests that nobody has answered in time.
    [[nodiscard]] Actions on_tick(UnixTime now);
    [[nodiscard]] std::optional<UnixTime> next_deadline() const;

    /// Out of the vault, before anything else.
    void restore(const EnrolmentId& peer, const EnvelopeId& envelope, UnixTime lost_at);

    static constexpr std::size_t open_requests = 256;      ///< per peer; beyond: reported as lost at once
    static constexpr std::size_t answered_longest = 4096;  ///< of all peers; beyond: answered with LOST

private:
    struct Peer {
        std::map<EnvelopeId, UnixTime> open;  ///< and when it is lost
        std::optional<UnixTime> repaired_at;
    };
    [[nodiscard]] static bool may_repair(Peer& peer, UnixTime now);

    EnrolmentId self_;
    std::map<EnrolmentId, Peer> peers_;
    std::set<std::pair<EnrolmentId, EnvelopeId>> answered_;
};

}  // namespace melder::sdk
