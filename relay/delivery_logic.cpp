#include "relay/delivery_logic.hpp"

namespace melder::relay {
namespace {

constexpr auto load_retry_interval = Millis(200);
constexpr std::uint32_t busy_retry_ms = 1000;

void append(Actions& out, Actions more) {
    for (auto& action : more)
        out.push_back(std::move(action));
}

}  // namespace

DeviceState& DeliveryLogic::touch(const EnrolmentId& device, Actions& out) {
    const auto [found, fresh] = devices_.try_emplace(device);
    if (fresh) out.push_back(Load{device});
    return found->second;
}

Actions DeliveryLogic::when_ready(const EnrolmentId& device, Now now, std::function<Actions(DeviceState&, Now)> event) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return {};
    if (!found->second.loading) return event(found->second, now);
    if (found->second.queued.size() < limits::loading_events) {
        found->second.queued.push_back({[this, device, event = std::move(event)](Now at) {
                                            const auto state = devices_.find(device);
                                            return state == devices_.end() ? Actions{} : event(state->second, at);
                                        },
                                        {}});
    }
    return {};
}

Actions DeliveryLogic::on_loaded(const EnrolmentId& device, bool loaded, Now now) {
    Actions out;
    const auto found = devices_.find(device);
    if (found == devices_.end() || !found->second.loading) return out;
    auto& state = found->second;
    if (!loaded) {
        std::vector<QueuedEvent> kept;
        for (auto& event : state.queued) {
            if (event.waiter) {
                out.push_back(AnswerSender{*event.waiter, Errc::outcome_unknown, false});
            } else {
                kept.push_back(std::move(event));
            }
        }
        state.queued = std::move(kept);
        retries_.push_back({now.boot + load_retry_interval, device, Lane::normal, 0});
        return out;
    }
    state.loading = false;
    if (const auto connecting = std::exchange(state.connecting, {})) connect(device, state, *connecting, now, out);
    const auto queued = std::exchange(state.queued, {});
    for (const auto& event : queued)
        append(out, event.run(now));
    forget_if_idle(device);
    return out;
}

// ---- the device ---------------------------------------------------------------------------------------------------

Actions DeliveryLogic::on_connect(const EnrolmentId& device, ConnectionId connection, Now now) {
    Actions out;
    auto& state = touch(device, out);
    if (state.loading) {
        state.connecting = connection;
    } else {
        connect(device, state, connection, now, out);
    }
    return out;
}

void DeliveryLogic::connect(const EnrolmentId& device, DeviceState& state, ConnectionId connection, Now now,
                            Actions& out) {
    if (state.connection) {
        out.push_back(SayReplaced{device, *state.connection});
        end_connection(device, state, now, out);
    }
    state.connection = connection;
    state.paused = false;
    state.blocked = false;
    start_drain(state);
    pump(device, state, now, out);
}

Actions DeliveryLogic::on_disconnect(const EnrolmentId& device, ConnectionId connection, Now now) {
    if (const auto found = devices_.find(device); found != devices_.end() && found->second.loading) {
        if (found->second.connecting == connection) found->second.connecting.reset();
        return {};
    }
    auto out = when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        if (!is_present(state, connection)) return actions;
        end_connection(device, state, at, actions);
        state.connection.reset();
        state.paused = state.blocked = false;
        return actions;
    });
    forget_if_idle(device);
    return out;
}

Actions DeliveryLogic::on_pause(const EnrolmentId& device, ConnectionId connection, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        if (!is_present(state, connection) || state.paused) return actions;
        state.paused = true;
        end_connection(device, state, at, actions);
        return actions;
    });
}

Actions DeliveryLogic::on_resume(const EnrolmentId& device, ConnectionId connection, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        if (!is_present(state, connection)) return actions;
        if (!state.paused) end_connection(device, state, at, actions);
        state.paused = false;
        start_drain(state);
        pump(device, state, at, actions);
        return actions;
    });
}

Actions DeliveryLogic::on_ack(const EnrolmentId& device, Lane which, const EnvelopeId& id, Now now) {
    auto out = when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        auto& lane = state.lane(which);
        lane.leave_window(id);
        if (which == Lane::transient) return actions;
        if (const auto order = lane.order_of.find(id); order != lane.order_of.end()) {
            const auto entry = lane.transit.find(order->second);
            auto& transit = entry->second;
            // Settled already; or an answer to bytes that this connection never carried.
            if (!transit.acknowledged) {
                remember_done(device, id, transit.envelope.hash, transit.envelope.expires_at);
                acknowledge(transit, actions);
                transit.acknowledged = true;
                if (!transit.issued) forget(lane, entry, false);
            }
        } else {
            if (const auto stored = lane.delivered.find(id); stored != lane.delivered.end()) {
                const auto owner = lane.owners.find(id);
                const auto expires_at = owner != lane.owners.end() ? owner->second.expires_at : at.wall;
                remember_done(device, id, stored->second.hash, expires_at);
                lane.delivered.erase(stored);
            }
            lane.owners.erase(id);
            actions.push_back(AckBatch{{{device, which, id}}});
        }
        pump(device, state, at, actions);
        return actions;
    });
    return out;
}

Actions DeliveryLogic::on_received(const EnrolmentId& device, Lane which, const EnvelopeId& id, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        state.lane(which).leave_window(id);
        pump(device, state, at, actions);
        return actions;
    });
}

Actions DeliveryLogic::on_defer(const EnrolmentId& device, Lane which, const EnvelopeId& id, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        auto& lane = state.lane(which);
        lane.leave_window(id);
        server::EntryMarks* marks = nullptr;
        const auto stored = lane.delivered.find(id);
        const auto order = lane.order_of.find(id);
        if (stored != lane.delivered.end()) marks = &stored->second.marks;
        if (order != lane.order_of.end()) marks = &lane.transit.at(order->second).marks;
        if (marks != nullptr && !marks->deferred_since) {
            marks->deferred_since = at.wall;
            deferred_.push_back({at.boot + limits::deferred_longest, device, which, id});
            if (order != lane.order_of.end()) {
                spill(device, lane, which, order->second, at, actions);
            } else {
                actions.push_back(MarkBatch{{{{device, which, id}, *marks, false}}});
            }
        }
        pump(device, state, at, actions);
        return actions;
    });
}

Actions DeliveryLogic::on_refuse(const EnrolmentId& device, Lane which, const EnvelopeId& id, Errc code, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        auto& lane = state.lane(which);
        lane.leave_window(id);
        if (const auto order = lane.order_of.find(id); order != lane.order_of.end()) {
            auto& entry = lane.transit.at(order->second);
            if (entry.delivered && entry.marks.refusals == 0) {
                entry.marks.refusals = 1;
                entry.marks.refusal_code = static_cast<std::uint16_t>(code);
                spill(device, lane, which, order->second, at, actions);
            }
        } else if (lane.delivered.contains(id)) {
            refuse_stored(device, state, which, id, code, false, actions);
        }
        pump(device, state, at, actions);
        return actions;
    });
}

void DeliveryLogic::refuse_stored(const EnrolmentId& device, DeviceState& state, Lane which, const EnvelopeId& id,
                                  Errc code, bool final, Actions& out) {
    auto& lane = state.lane(which);
    auto& entry = lane.delivered.at(id);
    if (entry.refused_here && !final) return;
    entry.refused_here = true;
    entry.marks.refusals = static_cast<std::uint8_t>(std::min(entry.marks.refusals + 1, 255));
    entry.marks.refusal_code = static_cast<std::uint16_t>(code);
    const bool aside = final || entry.marks.refusals >= limits::refusals_until_aside;
    out.push_back(MarkBatch{{{{device, which, id}, entry.marks, aside}}});
    if (!aside) return;
    if (state.connection) out.push_back(SayMovedAside{device, *state.connection, which, id, code});
    lane.delivered.erase(id);
    lane.owners.erase(id);
}

Actions DeliveryLogic::on_retry(const EnrolmentId& device, Lane which, const EnvelopeId& id, Now now) {
    return when_ready(device, now, [=, this](DeviceState& state, Now at) {
        Actions actions;
        auto& lane = state.lane(which);
        if (!state.reachable() || lane.window.contains(id)) return actions;
        if (const auto order = lane.order_of.find(id); order != lane.order_of.end()) {
            const auto& entry = lane.transit.at(order->second);
            const bool may_go = entry.marks.deferred_since && entry.delivered && !entry.acknowledged;
            if (may_go && lane.window_open(entry.envelope.bytes()))
                send_transit(device, state, which, order->second, at, actions);
        } else if (const auto stored = lane.delivered.find(id);
                   stored != lane.delivered.end() && stored->second.marks.deferred_since) {
            const StoreTicket ticket = ++last_ticket_;
            tickets_.emplace(ticket, Ticket{device, which, {}, id});
            server::ListQuery query;
            query.device = device;
            query.lane = which;
            query.after = stored->second.sequence - 1;
            query.limit = 1;
            actions.push_back(List{ticket, query});
        }
        return actions;
    });
}

Actions DeliveryLogic::on_device_removed(const EnrolmentId& device, Now) {
    Actions out;
    if (const auto found = devices_.find(device); found != devices_.end()) {
        for (const auto& event : found->second.queued) {
            if (event.waiter) out.push_back(AnswerSender{*event.waiter, Errc::unknown_device, false});
        }
        for (auto& lane : found->second.lanes) {
            for (auto& [order, entry] : lane.transit)
                answer(entry, Errc::unknown_device, out);
        }
        devices_.erase(found);
    }
    out.push_back(RemoveMailbox{device});
    return out;
}

// ---- senders ------------------------------------------------------------------------------------------------------

Actions DeliveryLogic::on_submit(const EnrolmentId& device, Envelope envelope, Waiter waiter, Now now) {
    Actions out;
    auto& state = touch(device, out);
    if (!state.loading) {
        submit(device, state, std::move(envelope), waiter, now, out);
    } else if (state.queued.size() >= limits::loading_events) {
        out.push_back(AnswerSender{waiter, Errc::busy, false, busy_retry_ms});
    } else {
        state.queued.push_back({[this, device, envelope = std::move(envelope), waiter](Now at) {
                                    Actions actions;
                                    const auto found = devices_.find(device);
                                    if (found != devices_.end())
                                        submit(device, found->second, envelope, waiter, at, actions);
                                    return actions;
                                },
                                waiter});
    }
    return out;
}

void DeliveryLogic::submit(const EnrolmentId& device, DeviceState& state, Envelope envelope, Waiter waiter, Now now,
                           Actions& out) {
    const Lane which = envelope.lane;
    auto& lane = state.lane(which);
    const EnvelopeId id = envelope.id;
    const auto refuse = [&](Errc code, std::uint32_t retry_ms = 0) {
        out.push_back(AnswerSender{waiter, code, false, retry_ms});
    };
    if (envelope.expires_at <= now.wall) return refuse(Errc::expired);
    if (which == Lane::transient) {
        if (!state.reachable() || !lane.window_open(envelope.bytes())) return refuse(Errc::transient_dropped);
        lane.window[id] = envelope.bytes();
        lane.window_bytes += envelope.bytes();
        out.push_back(AnswerSender{waiter, Errc::internal, true});
        out.push_back(Forward{device, *state.connection, std::move(envelope), 0});
        return;
    }
    if (repeat(device, lane, envelope, waiter, out)) return;
    if (share_exceeded(lane, envelope.sender, now.wall)) return refuse(Errc::quota_exceeded);
    if (lane.transit.size() >= limits::lane_envelopes) return refuse(Errc::busy, busy_retry_ms);
    const std::uint64_t order = ++last_order_;
    const std::size_t bytes = envelope.bytes();
    lane.owners[id] = {envelope.sender, envelope.expires_at};
    lane.order_of[id] = order;
    Transit entry;
    entry.envelope = std::move(envelope);
    entry.waiter = waiter;
    lane.transit.emplace(order, std::move(entry));
    if (state.reachable() && lane.drained && lane.window_open(bytes)) {
        send_transit(device, state, which, order, now, out);
        return;
    }
    lane.drained = false;  // what comes next must not overtake it
    spill(device, lane, which, order, now, out);
}

bool DeliveryLogic::repeat(const EnrolmentId& device, LaneState& lane, const Envelope& envelope, Waiter waiter,
                           Actions& out) {
    const auto settle = [&](const Hash& hash) {
        const bool same = hash == envelope.hash;
        out.push_back(AnswerSender{waiter, Errc::envelope_conflict, same});
        return true;
    };
    if (const auto order = lane.order_of.find(envelope.id); order != lane.order_of.end()) {
        auto& entry = lane.transit.at(order->second);
        if (entry.acknowledged || entry.envelope.hash != envelope.hash) return settle(entry.envelope.hash);
        answer(entry, Errc::cancelled, out);  // the new one waits in its place
        entry.waiter = waiter;
        return true;
    }
    if (const auto stored = lane.delivered.find(envelope.id); stored != lane.delivered.end())
        return settle(stored->second.hash);
    if (const auto done = done_.find({device, envelope.id}); done != done_.end()) return settle(done->second.hash);
    return false;
}

bool DeliveryLogic::share_exceeded(LaneState& lane, const EnrolmentId& sender, UnixTime now) {
    constexpr std::size_t share = limits::lane_envelopes * limits::sender_share_of_lane_percent / 100;
    if (lane.owners.size() < share) return false;
    std::erase_if(lane.owners, [now](const auto& owner) { return owner.second.expires_at <= now; });
    const auto mine =
        std::ranges::count_if(lane.owners, [&](const auto& owner) { return owner.second.sender == sender; });
    return static_cast<std::size_t>(mine) >= share;
}

// ---- shutdown -----------------------------------------------------------------------------------------------------

Actions DeliveryLogic::on_shutdown(Now now) {
    Actions out;
    for (auto& [device, state] : devices_) {
        if (!state.loading) end_connection(device, state, now, out);
        state.connection.reset();
        state.connecting.reset();
    }
    return out;
}

bool DeliveryLogic::is_quiet() const {
    return std::ranges::all_of(devices_, [](const auto& device) {
        return std::ranges::all_of(device.second.lanes, [](const LaneState& lane) { return lane.transit.empty(); });
    });
}

bool DeliveryLogic::is_connected(const EnrolmentId& device) const {
    const auto found = devices_.find(device);
    return found != devices_.end() && found->second.connection.has_value();
}

}  // namespace melder::relay
