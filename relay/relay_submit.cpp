// From a Submit frame to its SubmitResults.

#include "core/limits.hpp"
#include "relay/addressing.hpp"
#include "relay/relay_core.hpp"

namespace melder::relay {
namespace {

constexpr std::uint32_t busy_retry_ms = 500;

/// Core, upload, recipient in one number.
Waiter waiter_of(std::size_t core, std::uint64_t pending, std::size_t recipient) {
    return static_cast<Waiter>(core) << 56 | (pending & 0xFF'FFFF'FFFF) << 16 | recipient;
}

}  // namespace

void RelayCore::Impl::on_submit(SessionState& state, std::uint32_t request, wire::Submit& submit) {
    auto& session = *state.session;
    if (shutting_down_) return reply_error(session, request, Errc::shutting_down);
    drop_late_upload(state);
    if (state.upload) return reply_error(session, request, Errc::out_of_order);
    auto upload = read_submit(request, submit, places_.clock.wall());
    if (upload.has_error()) return reply_error(session, request, upload.error());
    const bool room = state.unanswered < limits::submit_credit &&
                      state.unanswered_bytes + upload->bytes <= limits::submit_credit_bytes;
    if (!room) return reply_error(session, request, Error(Errc::busy, busy_retry_ms));
    if (const auto wait = per_source_.take(session.peer().device, places_.clock.boot()); wait != 0) {
        return reply_error(session, request, Error(Errc::rate_limited, wait));
    }
    if (upload->complete()) return accept(state, std::move(*upload));
    upload->deadline = places_.clock.boot() + limits::multipart_deadline;
    state.upload = std::move(*upload);
    ++uploads_;
    arm_timer();
}

void RelayCore::Impl::on_submit_more(SessionState& state, std::uint32_t request, wire::SubmitMore& more) {
    if (drop_late_upload(state)) return;
    if (!state.upload) return reply_error(*state.session, request, Errc::out_of_order);
    const auto added = add_part(*state.upload, more);
    if (!added.has_error() && !state.upload->complete()) return;
    Upload upload = std::move(*state.upload);
    state.upload.reset();
    --uploads_;
    if (added.has_error()) return reply_error(*state.session, upload.request, added.error());
    accept(state, std::move(upload));
}

void RelayCore::Impl::accept(SessionState& state, Upload upload) {
    const auto& peer = state.session->peer();
    auto addressing = check_addressing(places_.devices, peer.device, peer.app, upload.recipients, upload.partial);
    if (!addressing.routable) {
        wire::Frame frame;
        frame.set_request(upload.request);
        auto& result = *frame.mutable_submit_result();
        result.set_envelope_id(upload.id.string());
        for (std::size_t i = 0; i < upload.recipients.size(); ++i) {
            auto& one = *result.add_results();
            one.set_recipient(upload.recipients[i].string());
            one.set_code(static_cast<std::uint32_t>(*addressing.refused[i]));
            counters_.sender_refusals.add(*addressing.refused[i]);
        }
        for (const auto& officer : addressing.mismatched) {
            auto& present = *result.add_mismatched();
            present.set_officer_id(officer.officer.string());
            for (const auto& device : officer.devices)
                present.add_devices(device.string());
        }
        static_cast<void>(state.session->send(frame));
        return;
    }
    const std::uint64_t number = ++last_pending_;
    ++state.unanswered;
    state.unanswered_bytes += upload.bytes;
    const std::size_t count = upload.recipients.size();
    pending_.emplace(number, Pending{state.session->id(),
                                     upload.request,
                                     upload.id,
                                     upload.recipients,
                                     count,
                                     upload.bytes,
                                     {},
                                     std::chrono::steady_clock::now()});
    counters_.unanswered.set(pending_.size());
    route(number, std::move(upload), peer.device, addressing.refused);
}

void RelayCore::Impl::route(std::uint64_t pending, Upload upload, const EnrolmentId& sender,
                            const std::vector<std::optional<Errc>>& refused) {
    const auto boot = places_.clock.boot();
    const auto body = std::make_shared<server::SharedBody>(upload.body.SerializeAsString(), upload.header.expires_at);
    std::vector<Deliveries> by_core(places_.loops.size());
    for (std::size_t i = 0; i < upload.headers.size(); ++i) {
        const Waiter waiter = waiter_of(index_, pending, i);
        const EnrolmentId device = upload.recipients[i];
        if (refused[i]) {
            on_answer({waiter, *refused[i], false});
            continue;
        }
        if (const auto wait = per_pair_.take({sender, device}, boot); wait != 0) {
            on_answer({waiter, Errc::rate_limited, false, wait});
            continue;
        }
        Envelope envelope{upload.header.lane,
                          upload.id,
                          envelope_hash(upload.body, upload.headers[i]),
                          upload.header.expires_at,
                          upload.headers[i].SerializeAsString(),
                          body,
                          sender};
        counters_.of(upload.header.lane).submitted.add();
        auto& deliveries = by_core[server::home_core_of(device, by_core.size())];
        if (!deliveries) deliveries = std::make_shared<std::vector<Delivery>>();
        deliveries->push_back({device, std::move(envelope), waiter});
    }
    for (std::size_t core = 0; core < by_core.size(); ++core) {
        if (!by_core[core]) continue;
        if (core == index_) {
            deliver(by_core[core], 0);
        } else {
            places_.loops.post_to(core,
                                  [impl = relay_.core(core).impl_, list = by_core[core]] { impl->deliver(list, 0); });
        }
    }
    flush_results();
}

void RelayCore::Impl::deliver(Deliveries deliveries, std::size_t from) {
    const std::size_t end = std::min(from + limits::deliveries_per_slice, deliveries->size());
    Actions actions;
    for (std::size_t i = from; i < end; ++i) {
        auto& one = (*deliveries)[i];
        auto more = logic_.on_submit(one.device, std::move(one.envelope), one.waiter, now());
        std::ranges::move(more, std::back_inserter(actions));
    }
    run(std::move(actions));
    if (end == deliveries->size()) return;
    places_.loops.post_to(index_, [self = shared_from_this(), deliveries, end] { self->deliver(deliveries, end); });
}

void RelayCore::Impl::on_answer(const AnswerSender& answer) {
    const std::uint64_t number = answer.waiter >> 16 & 0xFF'FFFF'FFFF;
    const auto found = pending_.find(number);
    if (found == pending_.end()) return;
    if (found->second.fresh.empty()) answered_.push_back(number);
    found->second.fresh.emplace_back(answer.waiter & 0xFFFF, answer);
}

void RelayCore::Impl::flush_results() {
    for (const auto number : std::exchange(answered_, {})) {
        const auto found = pending_.find(number);
        auto& pending = found->second;
        auto* state = find(pending.session);
        wire::Frame frame;
        frame.set_request(pending.request);
        auto& result = *frame.mutable_submit_result();
        result.set_envelope_id(pending.id.string());
        for (const auto& [recipient, answer] : pending.fresh) {
            auto& one = *result.add_results();
            one.set_recipient(pending.recipients[recipient].string());
            one.set_code(answer.acknowledged ? 0 : static_cast<std::uint32_t>(answer.code));
            one.set_retry_after_ms(answer.retry_after_ms);
            if (!answer.acknowledged) counters_.sender_refusals.add(answer.code);
        }
        pending.remaining -= std::min(pending.remaining, pending.fresh.size());
        pending.fresh.clear();
        if (state != nullptr) {
            if (pending.remaining == 0) {
                --state->unanswered;
                state->unanswered_bytes -= pending.bytes;
            }
            // Without room the sender hears nothing and retries under the same id, which is answered from memory or
            // store.
            static_cast<void>(state->session->send(frame));
        }
        if (pending.remaining == 0) {
            counters_.submit.observe(std::chrono::steady_clock::now() - pending.since);
            pending_.erase(found);
        }
    }
    counters_.unanswered.set(pending_.size());
    check_quiet();
}

}  // namespace melder::relay
