#include "sdk/account/repair_logic.hpp"

#include <algorithm>

namespace melder::sdk {

bool RepairLogic::may_repair(Peer& peer, BootTime now) {
    if (peer.repaired_at && now - *peer.repaired_at < limits::session_repair_interval) return false;
    peer.repaired_at = now;
    return true;
}

RepairLogic::Actions RepairLogic::on_undecryptable(const EnrolmentId& id, const EnvelopeId& envelope,
                                                   bool session_broken, UnixTime expires_at, BootTime now) {
    Actions out;
    auto& peer = peers_[id];
    if (peer.open.contains(envelope)) return out;
    if (peer.open.size() >= open_requests) {
        out.emplace_back(ReportLost{id, envelope});
        return out;
    }
    if (session_broken && may_repair(peer, now)) {
        if (self_ < id) {
            out.emplace_back(StartSession{id});
        } else {
            out.emplace_back(AskSession{id});
        }
    }
    peer.open[envelope] = Open{expires_at, now, next_order_++};
    out.emplace_back(AskResend{id, envelope});
    return out;
}

RepairLogic::Actions RepairLogic::on_lost(const EnrolmentId& id, const EnvelopeId& envelope) {
    const auto found = peers_.find(id);
    if (found == peers_.end() || found->second.open.erase(envelope) == 0) return {};
    return {ReportLost{id, envelope}};
}

void RepairLogic::on_resent(const EnrolmentId& id) {
    const auto found = peers_.find(id);
    if (found == peers_.end() || found->second.open.empty()) return;
    auto& open = found->second.open;
    open.erase(std::ranges::min_element(open, {}, [](const auto& request) { return request.second.order; }));
}

RepairLogic::Actions RepairLogic::on_resend_request(const EnrolmentId& id, const EnvelopeId& envelope, bool can_send) {
    auto& peer = peers_[id];
    if (peer.answered.contains(envelope)) return {};
    if (peer.answered.size() >= answered_longest) return {SendLost{id, envelope}};
    peer.answered.insert(envelope);
    if (can_send) return {SendAgain{id, envelope}};
    return {SendLost{id, envelope}};
}

RepairLogic::Actions RepairLogic::on_session_request(const EnrolmentId& id, BootTime now) {
    // Only the lower id starts: two sessions begun at once would replace each other for ever.
    if (!(self_ < id) || !may_repair(peers_[id], now)) return {};
    return {StartSession{id}};
}

RepairLogic::Actions RepairLogic::on_tick(UnixTime now, BootTime boot) {
    Actions out;
    for (auto& entry : peers_) {
        std::erase_if(entry.second.open, [&](const auto& request) {
            const auto& [envelope, open] = request;
            if (open.expires_at > now && boot - open.since < limits::outbox_content_longest) return false;
            out.emplace_back(ReportLost{entry.first, envelope});
            return true;
        });
    }
    return out;
}

}  // namespace melder::sdk
