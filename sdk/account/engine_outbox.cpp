// What OutboxLogic decides about what is on its way: submit the bytes of the vault, drop them, tell the app.

#include "sdk/account/engine.hpp"
#include "sdk/vault/outbox_rows.hpp"

namespace melder::sdk {

namespace {

/// Refusals of these very bytes, which no repetition changes. Everything else is of the connection or the moment.
bool is_of_the_bytes(Errc code) {
    return code == Errc::too_large || code == Errc::expired || code == Errc::bad_argument ||
           code == Errc::unsupported || code == Errc::envelope_conflict;
}

}  // namespace

Result<void> Engine::load_outbox() {
    const auto now = places_.clock.wall();
    const auto transaction = vault_->begin(now);
    MELDER_TRY(const auto rows, sdk::load_outbox(transaction));
    for (const auto& row : rows) {
        MELDER_TRY(const auto bytes, find_outbox_bytes(transaction, row.envelope));
        OutboxUpload upload;
        upload.envelope = row.envelope;
        upload.content = row.content;
        upload.lane = row.lane;
        upload.expires_at = row.expires;
        upload.bytes = bytes ? bytes->size() : 0;
        upload.recipients = row.recipients;
        upload.own_devices = row.own_devices;
        upload.reports = row.reports;
        upload.told = row.told;
        outbox_rows_[row.content].push_back(row.envelope);
        if (bytes) {
            (void)outbox_.add(std::move(upload), now);  // not connected: nothing to do yet
        } else {
            outbox_.restore_waiting(std::move(upload));
        }
    }
    return ok();
}

void Engine::run_outbox(const OutboxLogic::Actions& actions) {
    if (actions.empty() || closed_) return;
    auto transaction = vault_->begin(places_.clock.wall());
    auto kept = ok();
    const auto note = [&](Result<void> result) {
        if (result.has_error() && !kept.has_error()) kept = result;
    };
    std::vector<SendProgress> progress;
    for (const auto& action : actions) {
        if (const auto* drop = std::get_if<DropUpload>(&action)) {
            note(erase_outbox_bytes(transaction, drop->envelope));
        } else if (const auto* row = std::get_if<DropRow>(&action)) {
            note(erase_outbox(transaction, row->envelope));
        } else if (const auto* told = std::get_if<MarkTold>(&action)) {
            for (const auto& envelope : outbox_rows_[told->content])
                note(mark_outbox_told(transaction, envelope));
        } else if (const auto* gone = std::get_if<DropContent>(&action)) {
            note(erase_outbox_content(transaction, gone->content));
            for (const auto& envelope : outbox_rows_[gone->content])
                note(erase_outbox(transaction, envelope));
            outbox_rows_.erase(gone->content);
        } else if (const auto* stored = std::get_if<ReportStored>(&action)) {
            progress.push_back({stored->content, SendState::stored, {}, {}});
        } else if (const auto* delivered = std::get_if<ReportDelivered>(&action)) {
            progress.push_back({delivered->content, SendState::delivered, delivered->device, {}});
        } else if (const auto* expired = std::get_if<ReportExpired>(&action)) {
            progress.push_back({expired->content, SendState::expired, {}, Errc::expired});
        } else if (const auto* failed = std::get_if<ReportFailed>(&action)) {
            progress.push_back({failed->content, SendState::failed, failed->device, failed->reason});
        }
    }
    // Lost with a crash, these rows are submitted once more under the same id, which the server answers from memory.
    if (!transaction.empty() && !kept.has_error()) (void)transaction.commit(Sync::deferred);
    publish();
    for (auto& one : progress)
        raise(std::move(one));
    for (const auto& action : actions) {
        if (const auto* submitted = std::get_if<SubmitEnvelope>(&action)) submit(submitted->envelope);
        if (const auto* again = std::get_if<Reencrypt>(&action)) encrypt_again(*again);
    }
}

void Engine::submit(const EnvelopeId& envelope) {
    const auto bytes = find_outbox_bytes(vault_->begin(places_.clock.wall()), envelope);
    wire::Frame frame;
    if (bytes.has_error() || !*bytes ||
        !frame.mutable_submit()->ParseFromArray((*bytes)->data(), static_cast<int>((*bytes)->size()))) {
        return run_outbox(outbox_.on_refused(envelope, Errc::envelope_conflict, Millis(0), places_.clock.wall()));
    }
    link_->request(std::move(frame), [self = weak_from_this(), envelope](Result<wire::Frame> reply) {
        const auto engine = self.lock();
        if (engine && !engine->closed_) engine->on_submit_reply(envelope, reply);
    });
}

void Engine::on_submit_reply(const EnvelopeId& envelope, const Result<wire::Frame>& reply) {
    const auto now = places_.clock.wall();
    if (reply.has_error() || !reply->has_submit_result()) {
        const auto why = reply.has_error() ? reply.error() : Error(Errc::outcome_unknown);
        const auto code = is_of_the_bytes(why.code()) ? why.code() : Errc::outcome_unknown;
        run_outbox(outbox_.on_refused(envelope, code, Millis(why.retry_after_ms()), now));
        return set_alarm();
    }
    const auto& result = reply->submit_result();
    if (result.mismatched_size() > 0) return run_outbox(outbox_.on_mismatched(envelope, now));
    for (const auto& one : result.results()) {
        const auto recipient = EnrolmentId::from(one.recipient());
        if (recipient.has_error()) continue;
        if (one.code() == static_cast<std::uint32_t>(Errc::mismatched_devices) ||
            one.code() == static_cast<std::uint32_t>(Errc::unknown_device)) {
            run_outbox(outbox_.on_mismatched(envelope, now));
        } else {
            run_outbox(outbox_.on_result(envelope, *recipient, one.code(), Millis(one.retry_after_ms()), now));
        }
    }
    set_alarm();
}

void Engine::encrypt_again(const Reencrypt& wanted) {
    const auto now = places_.clock.wall();
    const auto fail = [&](const Error& why) {
        run_outbox(outbox_.on_reencryption_failed(wanted.content, wanted.instead_of, why.code(), now));
    };
    const auto transaction = vault_->begin(now);
    const auto kept = find_outbox_content(transaction, wanted.content);
    if (kept.has_error()) return fail(kept.error());
    if (!*kept || (*kept)->size() <= OfficerId::size_bytes) return fail(Errc::not_delivered);
    const auto rows = sdk::load_outbox(transaction);
    if (rows.has_error()) return fail(rows.error());
    const auto row = std::ranges::find_if(*rows, [&](const OutboxState& one) { return one.content == wanted.content; });
    if (row == rows->end()) return fail(Errc::not_delivered);
    SendJob job;
    job.id = wanted.content;
    job.to = OfficerId::from((*kept)->expose().first(OfficerId::size_bytes)).value();
    job.lane = row->lane;
    job.expires_at = row->expires;
    job.content = SecretBuffer((*kept)->expose().subspan(OfficerId::size_bytes));
    job.instead_of = wanted.instead_of;
    job.only = wanted.only;
    job.done = [self = weak_from_this(), wanted](Result<void> result) {
        const auto engine = self.lock();
        if (!engine || engine->closed_ || !result.has_error()) return;
        engine->run_outbox(engine->outbox_.on_reencryption_failed(wanted.content, wanted.instead_of,
                                                                  result.error().code(), engine->places_.clock.wall()));
        engine->set_alarm();
    };
    add_job(std::move(job));
}

}  // namespace melder::sdk
