#include "sdk/account/repair_logic.hpp"

#include <algorithm>

namespace melder::sdk {

bool RepairLogic::may_repair(Peer& peer, UnixTime now) {
    if (peer.repaired_at && now < *peer.repaired_at + Millis(limits::session_repair_interval)) return false;
    peer.repaired_at = now;
    return true;
}

RepairLogic::Actions RepairLogic::on_broken_session(const EnrolmentId& id, const EnvelopeId& envelope, UnixTime now) {
    if (!may_repair(peers_[id], now)) return {};
    if (self_ < id) return {StartSession{id}};
    return {AskSession{id, envelope}};
}

RepairLogic::Actions RepairLogic::on_undecryptable(const EnrolmentId& id, const EnvelopeId& envelope,
                                                   const std::optional<EnvelopeId>& answers, UnixTime lost_at) {
    if (answers) return on_lost(id, *answers);
    auto& open = peers_[id].open;
    if (open.contains(envelope)) return {};
    if (open.size() >= open_requests) return {ReportLost{id, envelope}};
    open[envelope] = lost_at;
    return {AskResend{id, envelope}};
}

RepairLogic::Actions RepairLogic::on_lost(const EnrolmentId& id, const EnvelopeId& envelope) {
    if (!on_resent(id, envelope)) return {};
    return {ReportLost{id, envelope}};
}

bool RepairLogic::on_resent(const EnrolmentId& id, const EnvelopeId& envelope) {
    const auto found = peers_.find(id);
    return found != peers_.end() && found->second.open.erase(envelope) != 0;
}

bool RepairLogic::waits_for(const EnrolmentId& id, const EnvelopeId& envelope) const {
    const auto found = peers_.find(id);
    return found != peers_.end() && found->second.open.contains(envelope);
}

RepairLogic::Actions RepairLogic::on_resend_request(const EnrolmentId& id, const EnvelopeId& envelope, bool can_send) {
    if (answered_.contains({id, envelope})) return {};
    if (!can_send || answered_.size() >= answered_longest) return {SendLost{id, envelope}};
    answered_.insert({id, envelope});
    return {SendAgain{id, envelope}};
}

RepairLogic::Actions RepairLogic::on_session_request(const EnrolmentId& id, UnixTime now) {
    // Only the lower id starts: two sessions begun at once would replace each other for ever.
    if (!(self_ < id) || !may_repair(peers_[id], now)) return {};
    return {StartSession{id}};
}

RepairLogic::Actions RepairLogic::on_tick(UnixTime now) {
    Actions out;
    for (auto& entry : peers_) {
        std::erase_if(entry.second.open, [&](const auto& request) {
            if (request.second > now) return false;
            out.emplace_back(ReportLost{entry.first, request.first});
            return true;
        });
    }
    return out;
}

std::optional<UnixTime> RepairLogic::next_deadline() const {
    std::optional<UnixTime> next;
    for (const auto& [id, peer] : peers_) {
        for (const auto& [envelope, lost_at] : peer.open)
            next = next ? std::min(*next, lost_at) : lost_at;
    }
    return next;
}

void RepairLogic::restore(const EnrolmentId& peer, const EnvelopeId& envelope, UnixTime lost_at) {
    peers_[peer].open[envelope] = lost_at;
}

}  // namespace melder::sdk
