// How envelopes in transit come to rest, and what their senders hear.

#include "relay/delivery_logic.hpp"

namespace melder::relay {
namespace {

constexpr auto put_retry_interval = Millis(200);
constexpr std::size_t done_remembered = 65'536;  ///< per core; what falls out is caught by the device's own memory

}  // namespace

void DeliveryLogic::answer(Transit& entry, Errc code, Actions& out) {
    if (!entry.waiter) return;
    out.push_back(AnswerSender{*entry.waiter, code, false});
    entry.waiter.reset();
}

void DeliveryLogic::acknowledge(Transit& entry, Actions& out) {
    if (!entry.waiter) return;
    out.push_back(AnswerSender{*entry.waiter, Errc::internal, true});
    entry.waiter.reset();
}

void DeliveryLogic::forget(LaneState& lane, std::map<std::uint64_t, Transit>::iterator entry, bool stays_stored) {
    const EnvelopeId id = entry->second.envelope.id;
    lane.order_of.erase(id);
    if (!stays_stored) {
        lane.owners.erase(id);
        lane.leave_window(id);
    }
    lane.transit.erase(entry);
}

void DeliveryLogic::remember_done(const EnrolmentId& device, const EnvelopeId& id, const Hash& hash,
                                  UnixTime expires_at) {
    const DoneKey key{device, id};
    if (!done_.insert_or_assign(key, Done{hash, expires_at + limits::done_memory}).second) return;
    done_order_.push_back(key);
    if (done_order_.size() <= done_remembered) return;
    done_.erase(done_order_.front());
    done_order_.pop_front();
}

void DeliveryLogic::spill(const EnrolmentId& device, LaneState& lane, Lane which, std::uint64_t order, Now now,
                          Actions& out) {
    for (auto it = lane.transit.begin(); it != lane.transit.end() && it->first <= order; ++it)
        it->second.storing = true;
    issue_put(device, lane, which, now, out);
}

void DeliveryLogic::spill_all(const EnrolmentId& device, DeviceState& state, Now now, Actions& out) {
    for (const Lane which : drain_order)
        spill(device, state.lane(which), which, last_order_, now, out);
}

void DeliveryLogic::issue_put(const EnrolmentId& device, LaneState& lane, Lane which, Now now, Actions& out) {
    if (lane.put_ticket != 0 || lane.put_waits) return;
    PutBatch batch{++last_ticket_, {}};
    Ticket ticket{device, which, {}, {}};
    for (auto it = lane.transit.begin(); it != lane.transit.end() && batch.items.size() < limits::put_slice;) {
        auto& entry = it->second;
        if (!entry.storing) break;  // forwarded ones behind it keep their place
        if (entry.envelope.expires_at <= now.wall || entry.acknowledged) {
            answer(entry, Errc::expired, out);
            const auto gone = it++;
            forget(lane, gone, false);
            continue;
        }
        entry.issued = true;
        const auto& e = entry.envelope;
        batch.items.push_back(
            {device, which, e.id, e.hash, e.expires_at, e.header, e.body, entry.marks, server::EntryState::fresh});
        ticket.orders.push_back(it->first);
        ++it;
    }
    if (batch.items.empty()) return;
    lane.put_ticket = batch.ticket;
    tickets_.emplace(batch.ticket, std::move(ticket));
    out.push_back(std::move(batch));
}

Actions DeliveryLogic::on_put(StoreTicket number, const std::vector<server::PutResult>& results, Now now) {
    Actions out;
    const auto found = tickets_.find(number);
    if (found == tickets_.end()) return out;
    const Ticket ticket = std::move(found->second);
    tickets_.erase(found);
    const auto device = devices_.find(ticket.device);
    if (device == devices_.end() || device->second.lane(ticket.lane).put_ticket != number) return out;
    auto& lane = device->second.lane(ticket.lane);
    lane.put_ticket = 0;
    for (std::size_t i = 0; i < ticket.orders.size(); ++i) {
        const auto result = i < results.size() ? results[i] : server::PutResult{};
        settle_put(ticket.device, device->second, ticket.lane, ticket.orders[i], result, now, out);
    }
    issue_put(ticket.device, lane, ticket.lane, now, out);
    pump(ticket.device, device->second, now, out);
    forget_if_idle(ticket.device);
    return out;
}

void DeliveryLogic::settle_put(const EnrolmentId& device, DeviceState& state, Lane which, std::uint64_t order,
                               const server::PutResult& result, Now now, Actions& out) {
    auto& lane = state.lane(which);
    const auto it = lane.transit.find(order);
    if (it == lane.transit.end()) return;
    auto& entry = it->second;
    entry.issued = false;
    const EnvelopeId id = entry.envelope.id;
    switch (result.outcome) {
        case server::PutOutcome::stored:
        case server::PutOutcome::duplicate:
            acknowledge(entry, out);
            if (entry.acknowledged) {
                out.push_back(AckBatch{{{device, which, id}}});
                forget(lane, it, false);
                return;
            }
            // Answers that came while the put was under way, or an older row that lacks them.
            if (entry.marks.refusals != 0 || entry.marks.deferred_since) {
                out.push_back(MarkBatch{{{{device, which, id}, entry.marks, false}}});
            }
            if (entry.delivered) {
                lane.delivered[id] = {result.sequence, entry.envelope.hash, entry.marks, entry.marks.refusals != 0};
            } else {
                lane.needs_list = true;
                // An older row than the drain has come to: it was put by an earlier attempt.
                if (result.outcome == server::PutOutcome::duplicate && !lane.delivered.contains(id)) {
                    lane.cursor = std::min(lane.cursor, result.sequence - 1);
                }
            }
            forget(lane, it, true);
            return;
        case server::PutOutcome::conflict:
            answer(entry, Errc::envelope_conflict, out);
            break;
        case server::PutOutcome::quota:
            answer(entry, Errc::quota_exceeded, out);
            break;
        case server::PutOutcome::no_room:
            answer(entry, Errc::storage_full, out);
            break;
        case server::PutOutcome::unknown:
            if (!entry.failing_since) entry.failing_since = now.boot;
            if (now.boot - *entry.failing_since < limits::store_retry) {
                if (!lane.put_waits) retries_.push_back({now.boot + put_retry_interval, device, which, 0});
                lane.put_waits = true;
                return;
            }
            answer(entry, Errc::outcome_unknown, out);
            break;
    }
    forget(lane, it, false);
}

void DeliveryLogic::forget_if_idle(const EnrolmentId& device) {
    const auto found = devices_.find(device);
    if (found == devices_.end() || found->second.loading || found->second.connection) return;
    for (const auto& lane : found->second.lanes) {
        if (!lane.transit.empty() || !lane.owners.empty()) return;
    }
    devices_.erase(found);
}

}  // namespace melder::relay
