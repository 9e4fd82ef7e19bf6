#include "relay/relay_core.hpp"

#include <boost/asio/io_context.hpp>

#include "core/limits.hpp"
#include "relay/deliver_frame.hpp"

namespace melder::relay {

using server::Session;
using server::SessionId;

namespace {

constexpr auto complaint_interval = Millis(10'000);
constexpr std::size_t notices_kept =
    256;  ///< four lanes' ends and what moves aside; then the peer does not read at all

struct Ref {
    Lane lane;
    EnvelopeId id;
};

const wire::EnvelopeRef& ref_of(const wire::EnvelopeRef& ref) {
    return ref;
}
const wire::EnvelopeRef& ref_of(const wire::Refusal& refusal) {
    return refusal.envelope();
}

/// All or none: of a frame with one wrong reference nothing is carried out.
template <class Entries>
Result<std::vector<Ref>> read_refs(const Entries& entries) {
    if (static_cast<std::size_t>(entries.size()) > limits::refs_per_frame) return Errc::too_large;
    std::vector<Ref> out;
    for (const auto& entry : entries) {
        MELDER_TRY(const auto lane, lane_from(static_cast<std::uint32_t>(ref_of(entry).lane())));
        MELDER_TRY(const auto id, EnvelopeId::from(ref_of(entry).envelope_id()));
        out.push_back({lane, id});
    }
    return out;
}

/// Acks that follow each other become one call of the store.
void append(Actions& out, Actions more) {
    for (auto& action : more) {
        auto* acks = std::get_if<AckBatch>(&action);
        auto* last = out.empty() ? nullptr : std::get_if<AckBatch>(&out.back());
        if (acks != nullptr && last != nullptr) {
            std::ranges::move(acks->entries, std::back_inserter(last->entries));
        } else {
            out.push_back(std::move(action));
        }
    }
}

}  // namespace

RelayCore::Impl::Impl(Relay& relay, RelayPlaces places, std::size_t index)
    : relay_(relay),
      places_(places),
      index_(index),
      per_source_({double{limits::submits_burst}, double{limits::submits_per_second}}, limits::limiter_entries),
      per_pair_({double{limits::submits_per_target_per_minute}, limits::submits_per_target_per_minute / 60.0},
                limits::limiter_entries),
      timer_(places.loops.context(index)) {}

server::Executor RelayCore::Impl::executor() {
    return
        [&loops = places_.loops, index = index_](std::function<void()> work) { loops.post_to(index, std::move(work)); };
}

RelayCore::Impl::SessionState* RelayCore::Impl::find(SessionId id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : &found->second;
}

// ---- the session --------------------------------------------------------------------------------------------------

void RelayCore::Impl::on_ready(Session& session) {
    auto& state = sessions_[session.id()];
    state.session = &session;
    state.since = std::chrono::steady_clock::now();
    presence_.seen(session.peer().device, places_.clock.wall());
    run(logic_.on_connect(session.peer().device, session.id(), now()));
}

void RelayCore::Impl::on_writable(Session& session) {
    auto* state = find(session.id());
    if (state == nullptr || !state->blocked) return;
    while (!state->notices.empty()) {
        if (!session.send(state->notices.front())) return;
        state->notices.pop_front();
    }
    state->blocked = false;
    run(logic_.on_writable(session.peer().device, session.id(), now()));
}

void RelayCore::Impl::on_close(Session& session) {
    if (auto* state = find(session.id()); state != nullptr && state->upload) --uploads_;
    if (sessions_.erase(session.id()) == 0) return;
    presence_.seen(session.peer().device, places_.clock.wall());
    run(logic_.on_disconnect(session.peer().device, session.id(), now()));
}

void RelayCore::Impl::reply_error(Session& session, std::uint32_t request, const Error& error) {
    counters_.sender_refusals.add(error.code());
    wire::Frame frame;
    frame.set_request(request);
    frame.mutable_error()->set_code(static_cast<std::uint32_t>(error.code()));
    frame.mutable_error()->set_retry_after_ms(error.retry_after_ms());
    // A refusal that finds no room: the link stops reading before it comes to that, and the peer's request times out.
    static_cast<void>(session.send(frame));
}

void RelayCore::Impl::notify(SessionState& state, wire::Frame frame) {
    if (state.notices.empty() && state.session->send(frame)) return;
    if (state.notices.size() >= notices_kept) return state.session->close(Errc::busy);
    state.blocked = true;
    state.notices.push_back(std::move(frame));
}

bool RelayCore::Impl::on_frame(Session& session, wire::Frame& frame) {
    auto* state = find(session.id());
    if (state == nullptr) return false;
    const EnrolmentId& device = session.peer().device;
    const auto each = [&](const auto& entries, auto event) {
        const auto refs = read_refs(entries);
        if (refs.has_error()) return reply_error(session, frame.request(), refs.error());
        Actions actions;
        for (std::size_t i = 0; i < refs->size(); ++i)
            append(actions, event((*refs)[i], i));
        run(std::move(actions));
    };
    const auto simply = [&](auto event, server::Counter LaneCounters::* counter) {
        return [&, event, counter](const Ref& ref, std::size_t) {
            if (counter != nullptr) (counters_.of(ref.lane).*counter).add();
            return (logic_.*event)(device, ref.lane, ref.id, now());
        };
    };
    switch (frame.body_case()) {
        case wire::Frame::kSubmit:
            on_submit(*state, frame.request(), *frame.mutable_submit());
            return true;
        case wire::Frame::kSubmitMore:
            on_submit_more(*state, frame.request(), *frame.mutable_submit_more());
            return true;
        case wire::Frame::kAck:
            if (frame.ack().hold()) {
                reply_error(session, frame.request(), Errc::unsupported);
            } else {
                each(frame.ack().envelopes(), simply(&DeliveryLogic::on_ack, &LaneCounters::acknowledged));
            }
            return true;
        case wire::Frame::kReceived:
            each(frame.received().envelopes(), simply(&DeliveryLogic::on_received, &LaneCounters::received));
            return true;
        case wire::Frame::kDefer:
            each(frame.defer().envelopes(), simply(&DeliveryLogic::on_defer, &LaneCounters::deferred));
            return true;
        case wire::Frame::kRetry:
            each(frame.retry().envelopes(), simply(&DeliveryLogic::on_retry, nullptr));
            return true;
        case wire::Frame::kRefuse:
            each(frame.refuse().refusals(), [&](const Ref& ref, std::size_t i) {
                const auto number = frame.refuse().refusals(static_cast<int>(i)).code();
                const Errc code = is_known(number) ? static_cast<Errc>(number) : Errc::internal;
                counters_.of(ref.lane).refused.add();
                counters_.device_refusals.add(code);
                presence_.refused(device, code, places_.clock.wall());
                return logic_.on_refuse(device, ref.lane, ref.id, code, now());
            });
            return true;
        case wire::Frame::kPause:
            run(logic_.on_pause(device, session.id(), now()));
            return true;
        case wire::Frame::kResume:
            run(logic_.on_resume(device, session.id(), now()));
            return true;
        case wire::Frame::kFetchHeld:
        case wire::Frame::kRecall:
        case wire::Frame::kSetPushToken:
            reply_error(session, frame.request(), Errc::unsupported);
            return true;
        default:
            return false;
    }
}

// ---- carrying out -------------------------------------------------------------------------------------------------

void RelayCore::Impl::run(Actions actions) {
    for (auto& action : actions)
        queue_.push_back(std::move(action));
    if (running_) return;  // further down the stack
    running_ = true;
    while (!queue_.empty()) {
        Action action = std::move(queue_.front());
        queue_.pop_front();
        carry_out(action);
    }
    running_ = false;
    counters_.devices.set(logic_.devices());
    flush_puts();
    flush_results();
    arm_timer();
}

void RelayCore::Impl::carry_out(Action& action) {
    std::visit([this](auto& each) { carry_out_one(each); }, action);
}

void RelayCore::Impl::carry_out_one(Forward& action) {
    auto* state = find(action.connection);
    if (state == nullptr) return;  // its on_close follows and spills
    if (!state->blocked && state->session->send_encoded(encode_deliver_frame(action.envelope, action.sequence))) {
        counters_.of(action.envelope.lane).forwarded.add();
        return;
    }
    // Once one found no room, nothing behind it may slip through.
    state->blocked = true;
    run(logic_.on_unsent(action.device, action.connection, action.envelope.lane, action.envelope.id, now()));
}

void RelayCore::Impl::carry_out_one(Load& action) {
    places_.store.summarise(
        action.device, executor(),
        [self = weak_from_this(), device = action.device](const Result<server::MailboxSummary>& summary) {
            const auto core = self.lock();
            if (core) core->run(core->logic_.on_loaded(device, summary.has_value(), core->now()));
        });
}

void RelayCore::Impl::carry_out_one(PutBatch& action) {
    puts_.push_back(std::move(action));
}

/// Batches of many devices leave as few calls: one sync serves them all.
void RelayCore::Impl::flush_puts() {
    std::size_t next = 0;
    while (next < puts_.size()) {
        std::vector<server::PutItem> items;
        auto parts = std::make_shared<std::vector<std::pair<StoreTicket, std::size_t>>>();
        std::vector<Lane> lanes;
        while (next < puts_.size() && (items.empty() || items.size() + puts_[next].items.size() <= limits::put_slice)) {
            parts->emplace_back(puts_[next].ticket, puts_[next].items.size());
            for (auto& item : puts_[next].items) {
                lanes.push_back(item.lane);
                items.push_back(std::move(item));
            }
            ++next;
        }
        places_.store.put(
            std::move(items), executor(),
            [self = weak_from_this(), parts, lanes = std::move(lanes)](const std::vector<server::PutResult>& all) {
                const auto core = self.lock();
                if (!core) return;
                for (std::size_t i = 0; i < all.size(); ++i)
                    core->counters_.of(lanes[i]).puts[static_cast<std::size_t>(all[i].outcome)].add();
                core->log_store_trouble(all);
                auto from = all.begin();
                for (const auto& [ticket, count] : *parts) {
                    const auto end = from + static_cast<std::ptrdiff_t>(count);
                    core->run(core->logic_.on_put(ticket, {from, end}, core->now()));
                    from = end;
                }
                core->check_quiet();
            });
    }
    puts_.clear();
}

void RelayCore::Impl::log_store_trouble(const std::vector<server::PutResult>& results) {
    const auto trouble = std::ranges::find_if(results, [](const auto& result) {
        return result.outcome == server::PutOutcome::no_room || result.outcome == server::PutOutcome::unknown;
    });
    const auto boot = places_.clock.boot();
    if (trouble == results.end() || (complained_ && boot - *complained_ < complaint_interval)) return;
    complained_ = boot;
    const bool full = trouble->outcome == server::PutOutcome::no_room;
    places_.log.error("mailbox_put_failed", {{"code", full ? Errc::storage_full : Errc::outcome_unknown}});
}

void RelayCore::Impl::carry_out_one(AckBatch& action) {
    flush_puts();  // the order of calls is the order of effects
    places_.store.ack(std::move(action.entries), executor(), [](const Result<void>&) {});
}

void RelayCore::Impl::carry_out_one(MarkBatch& action) {
    flush_puts();
    places_.store.mark(std::move(action.items), executor(), [](const Result<void>&) {});
}

void RelayCore::Impl::carry_out_one(List& action) {
    flush_puts();
    places_.store.list(action.query, executor(),
                       [self = weak_from_this(), ticket = action.ticket](Result<server::ListPage> page) {
                           const auto core = self.lock();
                           if (!core) return;
                           std::optional<server::ListPage> listed;
                           if (page.has_value()) listed = std::move(*page);
                           if (!listed) {
                               core->counters_.list_failures.add();
                               core->places_.log.warn("mailbox_list_failed", {{"code", page.error().code()}});
                           }
                           core->run(core->logic_.on_listed(ticket, std::move(listed), core->now()));
                       });
}

void RelayCore::Impl::carry_out_one(RemoveMailbox& action) {
    flush_puts();
    places_.store.remove_device(
        action.device, executor(), [&log = places_.log, device = action.device](const Result<void>& result) {
            if (result.has_error())
                log.error("mailbox_remove_failed", {{"device", device}, {"code", result.error().code()}});
        });
}

void RelayCore::Impl::carry_out_one(AnswerSender& action) {
    const std::size_t origin = action.waiter >> 56;
    if (origin == index_) return on_answer(action);
    places_.loops.post_to(origin, [impl = relay_.core(origin).impl_, answer = action] {
        impl->on_answer(answer);
        impl->flush_results();
    });
}

void RelayCore::Impl::carry_out_one(SayMailboxEmpty& action) {
    auto* state = find(action.connection);
    if (state == nullptr) return;
    wire::Frame frame;
    frame.mutable_mailbox_empty()->set_lane(static_cast<wire::Lane>(action.lane));
    frame.mutable_mailbox_empty()->set_expired_unread(action.expired_unread);
    // Not past an envelope that found no room.
    if (!state->blocked && state->session->send(frame)) {
        counters_.of(action.lane).expired_unread.add(action.expired_unread);
        return count_drained(*state, action.lane);
    }
    state->blocked = true;
    run(logic_.on_unsaid(action, now()));
}

/// Once a connection: what a later pause leaves behind is no login's drain.
void RelayCore::Impl::count_drained(SessionState& state, Lane lane) {
    constexpr auto all = [] {
        unsigned bits = 0;
        for (const auto each : drain_order)
            bits |= 1U << static_cast<unsigned>(each);
        return bits;
    }();
    if (state.lanes_drained == all) return;
    state.lanes_drained = static_cast<std::uint8_t>(state.lanes_drained | 1U << static_cast<unsigned>(lane));
    if (state.lanes_drained == all) counters_.drain.observe(std::chrono::steady_clock::now() - state.since);
}

void RelayCore::Impl::carry_out_one(SayMovedAside& action) {
    auto* state = find(action.connection);
    if (state == nullptr) return;
    wire::Frame frame;
    auto& moved = *frame.mutable_moved_aside();
    moved.mutable_envelope()->set_lane(static_cast<wire::Lane>(action.lane));
    moved.mutable_envelope()->set_envelope_id(action.id.string());
    moved.set_code(static_cast<std::uint32_t>(action.code));
    counters_.of(action.lane).moved_aside.add();
    notify(*state, std::move(frame));
}

/// The link itself tells and closes the old connection; this is for the log.
void RelayCore::Impl::carry_out_one(SayReplaced& action) {
    places_.log.debug("connection_replaced", {{"device", action.device}});
}

// ---- time, removal, shutdown --------------------------------------------------------------------------------------

void RelayCore::Impl::arm_timer() {
    auto due = logic_.next_deadline();
    for (const auto& [id, state] : sessions_) {
        if (uploads_ == 0) break;
        if (state.upload && (!due || state.upload->deadline < *due)) due = state.upload->deadline;
    }
    if (!due || (armed_ && *armed_ <= *due)) return;
    armed_ = due;
    timer_.expires_after(std::max(*due - places_.clock.boot(), Millis(1)));
    timer_.async_wait([self = weak_from_this()](const boost::system::error_code& stopped) {
        const auto core = self.lock();
        if (!stopped && core) core->tick();
    });
}

void RelayCore::Impl::tick() {
    armed_.reset();
    for (auto& [id, state] : sessions_)
        drop_late_upload(state);
    run(logic_.on_tick(now()));
}

bool RelayCore::Impl::drop_late_upload(SessionState& state) {
    if (!state.upload || state.upload->deadline > places_.clock.boot()) return false;
    const auto request = state.upload->request;
    state.upload.reset();
    --uploads_;
    reply_error(*state.session, request, Errc::deadline_exceeded);
    return true;
}

void RelayCore::Impl::remove_device(const EnrolmentId& device) {
    run(logic_.on_device_removed(device, now()));
}

void RelayCore::Impl::on_shutdown(std::function<void()> done) {
    shutting_down_ = true;
    shutdown_done_ = std::move(done);
    run(logic_.on_shutdown(now()));
    check_quiet();
}

void RelayCore::Impl::check_quiet() {
    // Senders of this core may wait for what another core still stores.
    if (!shutdown_done_ || !logic_.is_quiet() || !pending_.empty()) return;
    places_.store.sync(executor(), [done = std::exchange(shutdown_done_, nullptr)](const Result<void>&) { done(); });
}

}  // namespace melder::relay
