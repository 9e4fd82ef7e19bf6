// What goes out to a device, and in which order.

#include "relay/delivery_logic.hpp"

namespace melder::relay {
namespace {

constexpr StoreTicket list_waits_for_retry = ~StoreTicket{0};
constexpr auto list_retry_interval = Millis(200);
constexpr std::uint64_t list_retry = 1;  ///< Due::order of a retry that is a list

}  // namespace

void DeliveryLogic::end_connection(const EnrolmentId& device, DeviceState& state, Now now, Actions& out) {
    for (auto& lane : state.lanes) {
        lane.delivered.clear();
        lane.window.clear();
        lane.window_bytes = 0;
        lane.drained = false;
        lane.needs_list = false;
        lane.list_ticket = 0;
        lane.page.clear();
        lane.cursor = 0;
        for (auto& [order, entry] : lane.transit)
            entry.delivered = false;
    }
    spill_all(device, state, now, out);
}

void DeliveryLogic::start_drain(DeviceState& state) {
    for (auto& lane : state.lanes) {
        lane.needs_list = true;
        lane.barrier = last_order_;
        lane.expired_unread = 0;
    }
}

void DeliveryLogic::pump(const EnrolmentId& device, DeviceState& state, Now now, Actions& out) {
    for (const Lane which : drain_order)
        pump_lane(device, state, which, now, out);
}

void DeliveryLogic::pump_lane(const EnrolmentId& device, DeviceState& state, Lane which, Now now, Actions& out) {
    auto& lane = state.lane(which);
    if (!state.reachable()) return;
    send_page(device, state, which, now, out);
    if (!lane.page.empty() || lane.list_ticket != 0 || lane.drained) return;
    // What the last connection left must be in the mailbox before this one reads it.
    if (!lane.transit.empty() && lane.transit.begin()->first <= lane.barrier) return;
    if (lane.needs_list) {
        const auto& urgent = state.lane(Lane::urgent);
        if (which != Lane::urgent && !urgent.drained && urgent.window_open(0)) return;
        if (lane.window_open(0)) list(device, lane, which, out);
        return;
    }
    for (const auto& [order, entry] : lane.transit) {
        if (!entry.delivered) return;  // its put will report
    }
    lane.drained = true;
    out.push_back(SayMailboxEmpty{device, *state.connection, which, lane.expired_unread});
    lane.expired_unread = 0;
}

void DeliveryLogic::list(const EnrolmentId& device, LaneState& lane, Lane which, Actions& out) {
    lane.needs_list = false;
    lane.list_ticket = ++last_ticket_;
    tickets_.emplace(lane.list_ticket, Ticket{device, which, {}, {}});
    server::ListQuery query;
    query.device = device;
    query.lane = which;
    query.after = lane.cursor;
    out.push_back(List{lane.list_ticket, query});
}

Actions DeliveryLogic::on_listed(StoreTicket number, std::optional<server::ListPage> page, Now now) {
    Actions out;
    const auto found = tickets_.find(number);
    if (found == tickets_.end()) return out;
    const Ticket ticket = std::move(found->second);
    tickets_.erase(found);
    const auto device = devices_.find(ticket.device);
    if (device == devices_.end()) return out;
    auto& state = device->second;
    auto& lane = state.lane(ticket.lane);
    if (ticket.single) {
        const auto delivered = lane.delivered.find(*ticket.single);
        if (!page || page->entries.empty() || page->entries.front().id != *ticket.single) return out;
        if (!state.reachable() || delivered == lane.delivered.end()) return out;
        send_stored(ticket.device, state, ticket.lane, page->entries.front(), now, out);
        return out;
    }
    if (lane.list_ticket != number) return out;  // of an earlier connection
    if (!page) {
        lane.list_ticket = list_waits_for_retry;
        lane.needs_list = true;
        retries_.push_back({now.boot + list_retry_interval, ticket.device, ticket.lane, list_retry});
        return out;
    }
    lane.list_ticket = 0;
    lane.needs_list |= page->more;
    for (auto& entry : page->entries) {
        lane.cursor = std::max(lane.cursor, entry.sequence);
        lane.page.push_back(std::move(entry));
    }
    pump(ticket.device, state, now, out);
    return out;
}

void DeliveryLogic::send_page(const EnrolmentId& device, DeviceState& state, Lane which, Now now, Actions& out) {
    auto& lane = state.lane(which);
    while (!lane.page.empty() && state.reachable()) {
        auto& entry = lane.page.front();
        const bool unread = entry.state == server::EntryState::expired || entry.expires_at <= now.wall || !entry.body;
        if (unread) {
            ++lane.expired_unread;
            lane.owners.erase(entry.id);
            out.push_back(AckBatch{{{device, which, entry.id, entry.sequence}}});
        } else if (entry.marks.deferred_since && now.wall - *entry.marks.deferred_since >= limits::deferred_longest) {
            lane.delivered[entry.id] = {entry.sequence, entry.hash, entry.marks, false};
            refuse_stored(device, state, which, entry.id, Errc::dependency_missing, true, out);
        } else if (!lane.delivered.contains(entry.id) && !send_stored(device, state, which, entry, now, out)) {
            return;
        }
        lane.page.pop_front();
    }
}

bool DeliveryLogic::send_stored(const EnrolmentId& device, DeviceState& state, Lane which, server::ListedEntry& entry,
                                Now now, Actions& out) {
    auto& lane = state.lane(which);
    Envelope envelope{which, entry.id, entry.hash, entry.expires_at, entry.header, entry.body, {}};
    const std::size_t bytes = envelope.bytes();
    if (entry.expires_at <= now.wall || !entry.body) return false;
    if (!lane.window_open(bytes)) return false;
    lane.window[entry.id] = bytes;
    lane.window_bytes += bytes;
    const auto before = lane.delivered.find(entry.id);
    const bool refused_here = before != lane.delivered.end() && before->second.refused_here;
    lane.delivered[entry.id] = {entry.sequence, entry.hash, entry.marks, refused_here};
    if (const auto order = lane.order_of.find(entry.id); order != lane.order_of.end()) {
        lane.transit.at(order->second).delivered = true;
    }
    out.push_back(Forward{device, *state.connection, std::move(envelope), entry.sequence});
    return true;
}

void DeliveryLogic::send_transit(const EnrolmentId& device, DeviceState& state, Lane which, std::uint64_t order,
                                 Now now, Actions& out) {
    auto& lane = state.lane(which);
    auto& entry = lane.transit.at(order);
    lane.leave_window(entry.envelope.id);
    lane.window[entry.envelope.id] = entry.envelope.bytes();
    lane.window_bytes += entry.envelope.bytes();
    entry.delivered = true;
    if (!entry.storing) deadlines_.push_back({now.boot + limits::ack_deadline, device, which, order});
    out.push_back(Forward{device, *state.connection, entry.envelope, 0});
}

Actions DeliveryLogic::on_unsent(const EnrolmentId& device, ConnectionId connection, Lane which, const EnvelopeId& id,
                                 Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions out;
        if (!is_present(state, connection)) return out;
        state.blocked = true;
        auto& lane = state.lane(which);
        lane.leave_window(id);
        if (which == Lane::transient) return out;
        lane.drained = false;
        if (const auto stored = lane.delivered.find(id); stored != lane.delivered.end()) {
            lane.cursor = std::min(lane.cursor, stored->second.sequence - 1);
            lane.delivered.erase(stored);
            lane.page.clear();
            lane.needs_list = true;
            // A list on its way continues behind the gap; it is asked again.
            lane.list_ticket = 0;
        }
        if (const auto order = lane.order_of.find(id); order != lane.order_of.end()) {
            lane.transit.at(order->second).delivered = false;
            spill(device, lane, which, order->second, at, out);
        }
        return out;
    });
}

Actions DeliveryLogic::on_released(const EnrolmentId& device, Lane which, std::uint64_t sequence, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions out;
        if (!state.connection) return out;  // the next drain finds it
        auto& lane = state.lane(which);
        lane.cursor = std::min(lane.cursor, sequence - 1);
        lane.drained = false;
        lane.page.clear();
        lane.needs_list = true;
        lane.list_ticket = 0;  // a list on its way began behind it; it is asked again
        pump(device, state, at, out);
        return out;
    });
}

Actions DeliveryLogic::on_unsaid(const SayMailboxEmpty& unsaid, Now now) {
    return when_ready(unsaid.device, now, [=, this](DeviceState& state, Now) {
        if (!is_present(state, unsaid.connection)) return Actions{};
        state.blocked = true;
        auto& lane = state.lane(unsaid.lane);
        lane.drained = false;
        lane.expired_unread += unsaid.expired_unread;
        return Actions{};
    });
}

Actions DeliveryLogic::on_writable(const EnrolmentId& device, ConnectionId connection, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions out;
        if (!is_present(state, connection)) return out;
        state.blocked = false;
        pump(device, state, at, out);
        return out;
    });
}

Actions DeliveryLogic::on_tick(Now now) {
    Actions out;
    while (!deadlines_.empty() && deadlines_.front().at <= now.boot) {
        const Due due = deadlines_.front();
        deadlines_.pop_front();
        const auto device = devices_.find(due.device);
        if (device == devices_.end()) continue;
        auto& lane = device->second.lane(due.lane);
        const auto entry = lane.transit.find(due.order);
        if (entry == lane.transit.end() || entry->second.storing) continue;
        spill(due.device, lane, due.lane, due.order, now, out);
    }
    for (std::size_t count = retries_.size(); count > 0 && retries_.front().at <= now.boot; --count) {
        const Due due = retries_.front();
        retries_.pop_front();
        const auto device = devices_.find(due.device);
        if (device == devices_.end()) continue;
        auto& state = device->second;
        if (state.loading) {
            out.push_back(Load{due.device});
            continue;
        }
        auto& lane = state.lane(due.lane);
        if (due.order != list_retry) {
            lane.put_waits = false;
            issue_put(due.device, lane, due.lane, now, out);
            continue;
        }
        if (lane.list_ticket == list_waits_for_retry) lane.list_ticket = 0;
        pump(due.device, state, now, out);
    }
    while (!deferred_.empty() && deferred_.front().at <= now.boot) {
        const DeferredDue due = deferred_.front();
        deferred_.pop_front();
        const auto device = devices_.find(due.device);
        if (device == devices_.end()) continue;
        const auto& delivered = device->second.lane(due.lane).delivered;
        const auto entry = delivered.find(due.id);
        if (entry == delivered.end() || !entry->second.marks.deferred_since) continue;
        refuse_stored(due.device, device->second, due.lane, due.id, Errc::dependency_missing, true, out);
    }
    return out;
}

std::optional<BootTime> DeliveryLogic::next_deadline() const {
    std::optional<BootTime> next;
    const auto consider = [&next](const auto& queue) {
        if (!queue.empty() && (!next || queue.front().at < *next)) next = queue.front().at;
    };
    consider(deadlines_);
    consider(retries_);
    consider(deferred_);
    return next;
}

}  // namespace melder::relay
