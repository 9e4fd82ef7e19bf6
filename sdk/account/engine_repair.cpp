// What can't be read is asked for again, a broken session is replaced, and what others can't read is sent to them
// again: as RepairLogic decides. A request and the done mark of what it asks for are one transaction: the vault's row,
// from which the request is written as soon as it can be.

#include "sdk/account/engine.hpp"
#include "sdk/vault/outbox_rows.hpp"

namespace melder::sdk {

namespace {

/// Of these no later message of the session can be read either.
bool breaks_session(Errc code) {
    return code == Errc::no_session || code == Errc::undecryptable || code == Errc::gap_too_large ||
           code == Errc::unknown_prekey;
}

/// What the other lanes carry is not kept to be sent again.
bool carries_messages(Lane lane) {
    return lane == Lane::normal || lane == Lane::urgent;
}

}  // namespace

Result<void> Engine::load_losses() {
    repair_.emplace(device_->id());
    MELDER_TRY(const auto rows, sdk::load_losses(vault_->begin(places_.clock.wall())));
    for (const auto& row : rows) {
        losses_[row.envelope] = row;
        if (row.lost) {
            (void)events_.push(MessageLost{row.peer, row.reason}, 0, std::nullopt, std::nullopt, row.envelope);
        } else {
            repair_->restore(row.peer, row.envelope, row.lost_at);
        }
    }
    return ok();
}

Result<std::optional<Credential>> Engine::find_peer(const VaultTransaction& transaction,
                                                    const EnrolmentId& device) const {
    MELDER_TRY(const auto encoded, find_credential_of(transaction, device));
    if (!encoded || book().standing(device) != DeviceStanding::active) return std::optional<Credential>();
    MELDER_TRY(auto credential, Credential::verify(BytesView(*encoded), trust_list()));
    if (trust_->judge_recipient(credential, transaction.now()).has_error()) return std::optional<Credential>();
    return std::optional<Credential>(std::move(credential));
}

// ---- what this device can't read ----------------------------------------------------------------------------------

Result<void> Engine::ask_again(VaultTransaction& transaction, const ReceivedEnvelope& envelope,
                               const Credential& sender, const std::optional<EnvelopeId>& answers, Errc why) {
    const auto& key = envelope.key;
    const auto peer = sender.device();
    if (losses_.size() >= limits::losses_longest) return present_loss(transaction, envelope, {peer, why});
    const auto now = transaction.now();
    MELDER_CHECK(put_credential(transaction, sender.hash(), peer, sender.encoded(), sender.grant().not_after));
    RepairLogic::Actions actions;
    if (breaks_session(why)) {
        MELDER_TRY(const auto repaired, is_limited(transaction, PeerLimit::session_repair, peer));
        if (!repaired) actions = repair_->on_broken_session(peer, key.id, now);
        if (!actions.empty()) {
            MELDER_CHECK(
                put_limit(transaction, PeerLimit::session_repair, peer, now + Millis(limits::session_repair_interval)));
        }
    }
    std::optional<LossRow> row;
    if (carries_messages(key.lane)) {
        const auto lost_at = std::min(envelope.header.expires_at, now + Millis(limits::outbox_content_longest));
        auto more = repair_->on_undecryptable(peer, key.id, answers, lost_at);
        const bool full = !more.empty() && std::holds_alternative<ReportLost>(more.front()) && !answers;
        if (full) return present_loss(transaction, envelope, {peer, why});
        if (!more.empty() && !answers) row = LossRow{key.id, peer, lost_at, why, false, false};
        std::ranges::move(more, std::back_inserter(actions));
    }
    const auto kept = [&]() -> Result<void> {
        if (row) MELDER_CHECK(put_loss(transaction, *row));
        return finish_envelope(transaction, key, envelope.header.expires_at);
    }();
    if (kept.has_error()) {
        repair_->on_resent(peer, key.id);  // it comes again and is judged anew
        return kept;
    }
    if (row) losses_[key.id] = *row;
    note_error(why);
    acknowledge_to_server(key);
    run_repair(actions);
    return ok();
}

Result<void> Engine::resolve_loss(VaultTransaction& transaction, const EnrolmentId& peer,
                                  const std::optional<EnvelopeId>& answered) {
    if (!answered || !repair_->waits_for(peer, *answered)) return ok();
    return erase_loss(transaction, *answered);
}

void Engine::forget_loss(const EnvelopeId& envelope) {
    const auto found = losses_.find(envelope);
    if (found == losses_.end() || !repair_->on_resent(found->second.peer, envelope)) return;
    losses_.erase(found);
}

void Engine::report_lost(const EnvelopeId& envelope) {
    const auto found = losses_.find(envelope);
    if (found == losses_.end()) return;
    found->second.lost = true;
    auto transaction = vault_->begin(places_.clock.wall());
    // What can't be written now is lost at its time, which the row names.
    if (!put_loss(transaction, found->second).has_error()) (void)transaction.commit(Sync::durable);
    (void)events_.push(MessageLost{found->second.peer, found->second.reason}, 0, std::nullopt, std::nullopt, envelope);
    hand_out();
}

/// Requests that were owed and could not be written: once there is a connection.
void Engine::ask_for_what_is_missing() {
    RepairLogic::Actions actions;
    for (const auto& [envelope, row] : losses_) {
        if (!row.asked && !row.lost && !asking_.contains(envelope)) actions.emplace_back(AskResend{row.peer, envelope});
    }
    run_repair(actions);
}

// ---- what others ask for ------------------------------------------------------------------------------------------

Result<void> Engine::receive_control(const ReceivedEnvelope& envelope, const Credential& sender,
                                     const SealedBodyView& body) {
    MELDER_TRY(const auto request, ControlRequest::parse(body.inner()));
    switch (body.type()) {
        case BodyType::resend_request:
            return answer_resend(envelope, sender, request);
        case BodyType::session_repair:
            return answer_session_repair(envelope, sender);
        default:
            return answer_lost(envelope, sender, request);
    }
}

Result<void> Engine::answer_session_repair(const ReceivedEnvelope& envelope, const Credential& sender) {
    const auto peer = sender.device();
    auto transaction = vault_->begin(places_.clock.wall());
    MELDER_CHECK(put_credential(transaction, sender.hash(), peer, sender.encoded(), sender.grant().not_after));
    MELDER_TRY(const auto repaired, is_limited(transaction, PeerLimit::session_repair, peer));
    RepairLogic::Actions actions;
    if (!repaired) actions = repair_->on_session_request(peer, transaction.now());
    if (!actions.empty()) {
        MELDER_CHECK(put_limit(transaction, PeerLimit::session_repair, peer,
                               transaction.now() + Millis(limits::session_repair_interval)));
    }
    MELDER_CHECK(finish_envelope(transaction, envelope.key, envelope.header.expires_at));
    acknowledge_to_server(envelope.key);
    run_repair(actions);
    return ok();
}

Result<void> Engine::answer_lost(const ReceivedEnvelope& envelope, const Credential& sender,
                                 const ControlRequest& request) {
    std::vector<EnvelopeId> lost;
    auto transaction = vault_->begin(places_.clock.wall());
    for (const auto& id : request.envelopes) {
        if (!repair_->waits_for(sender.device(), id)) continue;
        auto row = losses_.at(id);
        row.lost = true;
        MELDER_CHECK(put_loss(transaction, row));
        lost.push_back(id);
    }
    MELDER_CHECK(finish_envelope(transaction, envelope.key, envelope.header.expires_at));
    acknowledge_to_server(envelope.key);
    for (const auto& id : lost)
        run_repair(repair_->on_lost(sender.device(), id));
    return ok();
}

Result<Engine::SendJob> Engine::resend_job(const VaultTransaction& transaction, const SendAgain& wanted,
                                           const Credential& to) {
    const auto message = outbox_.message_of(wanted.envelope);
    if (!message || !outbox_.was_recipient(wanted.envelope, wanted.peer)) return Errc::not_found;
    MELDER_TRY(const auto kept, find_outbox_content(transaction, message->content));
    if (!kept || kept->size() <= OfficerId::size_bytes) return Errc::not_found;
    SendJob job;
    job.id = message->content;
    job.to = OfficerId::from(kept->expose().first(OfficerId::size_bytes)).value();
    job.lane = message->lane;
    job.expires_at = message->expires_at;
    job.content = SecretBuffer(kept->expose().subspan(OfficerId::size_bytes));
    job.answers = wanted.envelope;
    job.device = to;
    return job;
}

/// The request is acknowledged when every answer is in the outbox: a process that dies before is asked again.
Result<void> Engine::answer_resend(const ReceivedEnvelope& envelope, const Credential& sender,
                                   const ControlRequest& request) {
    const auto peer = sender.device();
    auto transaction = vault_->begin(places_.clock.wall());
    MELDER_CHECK(put_credential(transaction, sender.hash(), peer, sender.encoded(), sender.grant().not_after));
    MELDER_CHECK(remove_note(transaction, envelope.key.id));
    MELDER_CHECK(transaction.commit(Sync::deferred));

    std::vector<SendJob> jobs;
    std::vector<EnvelopeId> lost;
    for (const auto& id : request.envelopes) {
        auto job = resend_job(transaction, {peer, id}, sender);
        const auto actions = repair_->on_resend_request(peer, id, job.has_value());
        const auto asks_for = [](const auto& action) { return std::holds_alternative<SendAgain>(action); };
        const auto is_loss = [](const auto& action) { return std::holds_alternative<SendLost>(action); };
        if (std::ranges::any_of(actions, is_loss)) lost.push_back(id);
        if (std::ranges::any_of(actions, asks_for)) jobs.push_back(std::move(job).value());
    }
    events_.owe_received(envelope.key);
    answering_.insert(envelope.key.id);
    struct Open {
        std::size_t answers = 0;
        bool failed = false;
    };
    const auto open = std::make_shared<Open>(Open{jobs.size() + (lost.empty() ? 0 : 1), false});
    const auto end = [self = weak_from_this(), key = envelope.key, expires = envelope.header.expires_at, open] {
        const auto engine = self.lock();
        if (!engine || engine->closed_ || open->answers > 0) return;
        engine->answering_.erase(key.id);
        if (open->failed) return;  // it comes again with the next connection
        auto done = engine->vault_->begin(engine->places_.clock.wall());
        if (!engine->finish_envelope(done, key, expires).has_error()) engine->finish_to_server(key);
    };
    const auto answered = [open, end](bool failed) {
        --open->answers;
        open->failed = open->failed || failed;
        end();
    };
    if (open->answers == 0) end();
    if (!lost.empty()) {
        send_control(BodyType::lost, sender, lost, {},
                     [answered](const Result<void>& result) { answered(result.has_error()); });
    }
    for (auto& job : jobs) {
        job.done = [self = weak_from_this(), peer, asked = *job.answers, answered](const Result<void>& result) {
            if (const auto engine = self.lock(); engine && result.has_error() && engine->repair_)
                engine->repair_->on_resend_failed(peer, asked);
            answered(result.has_error());
        };
        add_job(std::move(job));
    }
    return ok();
}

// ---- what is done about it ----------------------------------------------------------------------------------------

void Engine::run_repair(const RepairLogic::Actions& actions) {
    for (const auto& action : actions) {
        if (const auto* start = std::get_if<StartSession>(&action)) start_session(start->peer);
        if (const auto* lost = std::get_if<ReportLost>(&action)) report_lost(lost->envelope);
        const auto* session = std::get_if<AskSession>(&action);
        const auto* resend = std::get_if<AskResend>(&action);
        if (session == nullptr && resend == nullptr) continue;
        const auto peer = find_peer(vault_->begin(places_.clock.wall()), session ? session->peer : resend->peer);
        if (peer.has_error() || !*peer) continue;  // gone: the loss is told at its time
        if (session != nullptr) {
            send_control(BodyType::session_repair, **peer, {session->envelope}, {}, [](const Result<void>&) {});
            continue;
        }
        const auto envelope = resend->envelope;
        asking_.insert(envelope);
        send_control(
            BodyType::resend_request, **peer, {envelope},
            [this, envelope](VaultTransaction& transaction) -> Result<void> {
                const auto row = losses_.find(envelope);
                if (row == losses_.end()) return ok();
                auto asked = row->second;
                asked.asked = true;
                return put_loss(transaction, asked);
            },
            [self = weak_from_this(), envelope](const Result<void>& result) {
                const auto engine = self.lock();
                if (!engine) return;
                engine->asking_.erase(envelope);
                const auto row = engine->losses_.find(envelope);
                if (row != engine->losses_.end() && !result.has_error()) row->second.asked = true;
            });
    }
}

/// Over a fresh bundle; the peer learns of it with the heartbeat that is the new session's first message.
void Engine::start_session(const EnrolmentId& peer) {
    auto to = find_peer(vault_->begin(places_.clock.wall()), peer);
    if (to.has_error() || !*to) return;
    ContentFields fields;
    fields.id = places_.random.id<ContentId>();
    fields.kind = HeartbeatContent{};
    auto content = write_content(fields);
    if (content.has_error()) return;
    SendJob job;
    job.id = fields.id;
    job.to = (*to)->officer();
    job.lane = Lane::keys;
    job.expires_at = places_.clock.wall() + Millis(limits::ttl_default);
    job.content = std::move(*content);
    job.device = std::move(**to);
    job.fresh_session = true;
    job.reports = false;
    job.done = [](const Result<void>&) {};  // what it was for is lost at its time, or asks again
    add_job(std::move(job));
}

void Engine::send_control(BodyType type, const Credential& to, const std::vector<EnvelopeId>& envelopes,
                          std::function<Result<void>(VaultTransaction&)> also, std::function<void(Result<void>)> done) {
    SendJob job;
    job.id = places_.random.id<ContentId>();
    job.to = to.officer();
    job.lane = Lane::keys;
    job.expires_at = places_.clock.wall() + Millis(limits::outbox_content_longest);
    job.content = SecretBuffer(ControlRequest{envelopes, std::nullopt}.encode());
    job.control = type;
    job.device = to;
    job.reports = false;
    job.also = std::move(also);
    job.done = std::move(done);
    add_job(std::move(job));
}

}  // namespace melder::sdk
