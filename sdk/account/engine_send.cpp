// From a message to its send commit: devices, sessions, encryption, and one durable transaction that holds the advanced
// sessions and the exact bytes (DESIGN section 4, "Two commits").

#include "proto/trust.pb.h"
#include "sdk/account/engine.hpp"
#include "sdk/account/known_devices.hpp"
#include "sdk/account/sent_runs.hpp"
#include "sdk/vault/outbox_rows.hpp"
#include "sdk/vault/sequence_rows.hpp"

namespace melder::sdk {

namespace {

constexpr std::size_t jobs_longest = 256;

UnixTime round_up(UnixTime time) {
    const auto step = Millis(limits::expiry_granularity).count();
    return {(time.ms + step - 1) / step * step};
}

CertifiedPeer certified(const Credential& credential) {
    const auto& binding = credential.binding();
    return {credential.device(), binding.identity_key, binding.registration_id};
}

ReceivedBundle to_bundle(const wire::PrekeyBundle& bundle) {
    ReceivedBundle out;
    out.signed_prekey_id = bundle.signed_prekey().id();
    out.signed_prekey = to_bytes(view(bundle.signed_prekey().public_key()));
    out.signed_prekey_signature = to_bytes(view(bundle.signed_prekey().signature()));
    if (bundle.has_one_time()) {
        out.one_time_prekey_id = bundle.one_time().id();
        out.one_time_prekey = to_bytes(view(bundle.one_time().public_key()));
    }
    return out;
}

/// Written content, as the sender's own other devices get it: they are told whom it went to.
Result<SecretBuffer> copy_for_own(const SecretBuffer& content, const OfficerId& to) {
    MELDER_TRY(const auto read, ContentView::parse(content.clone()));
    auto fields = read.fields();
    fields.conversation = to;
    return write_content(fields);
}

}  // namespace

void Engine::send(Message message, OperationPtr<ContentId> operation) {
    if (closed_) return operation->end(Errc::closed);
    if (!credential_) return operation->end(Errc::not_enrolled);
    const auto lives = message.time_to_live.value_or(limits::ttl_default);
    const bool sound = !message.content_id.is_zero() && !message.text.empty() &&
                       message.text.size() <= limits::text_bytes && lives > Millis(0) && lives <= limits::ttl_longest;
    if (!sound) return operation->end(Errc::bad_argument);
    const auto id = message.content_id;
    if (outbox_.knows(id)) return operation->end(id);
    if (jobs_.size() >= jobs_longest) return operation->end(Errc::busy);
    SendJob job;
    job.id = id;
    job.to = message.to;
    job.lane = message.urgency == Urgency::urgent ? Lane::urgent : Lane::normal;
    job.expires_at = places_.clock.wall() + lives;
    job.message = std::move(message);
    job.given_up = [operation] { return operation->over(); };
    job.done = [operation, id](Result<void> result) {
        if (result.has_error()) return operation->end(result.error());
        operation->end(id);
    };
    add_job(std::move(job));
}

void Engine::add_job(SendJob job) {
    jobs_.push_back(std::move(job));
    if (jobs_.size() == 1) prepare_next();
}

void Engine::end_job(Result<void> result) {
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    job.done(std::move(result));
    publish();
    if (!jobs_.empty() && !closed_)
        places_.lane.post([self = weak_from_this()] {
            if (const auto engine = self.lock(); engine && !engine->closed_) engine->prepare_next();
        });
}

void Engine::prepare_next() {
    if (jobs_.empty()) return;
    auto& job = jobs_.front();
    job.not_before.reset();
    if (job.given_up && job.given_up()) return end_job(Errc::cancelled);
    if (job.message && outbox_.knows(job.id)) return end_job(ok());
    if (refresh_before_sealing()) return;
    if (const auto fit = judge_sealing(job.lane); fit.has_error()) return end_job(fit.error());
    if (job.control) return commit_job(vault_->begin(places_.clock.wall()), {*job.device});
    if (job.device) return prepare_sessions({*job.device});
    auto known = known_devices(vault_->begin(places_.clock.wall()), job.to, trust_list(), book());
    if (known.has_error()) return end_job(known.error());
    // The relay checks that the only device is the only one still; of several it cannot, so they are asked for.
    const bool ask = job.instead_of || !job.only.empty() || known->empty() ||
                     (known->size() > 1 && connection_ == ConnectionState::online);
    if (ask) return fetch_devices();
    prepare_sessions(std::move(*known));
}

void Engine::fetch_devices() {
    const auto officer = jobs_.front().to;
    wire::Frame frame;
    frame.mutable_look_up()->set_officer_id(officer.string());
    link_->request(std::move(frame), [self = weak_from_this(), officer](Result<wire::Frame> reply) {
        const auto engine = self.lock();
        if (!engine || engine->closed_) return;
        if (reply.has_error()) return engine->end_job(reply.error());
        if (!reply->has_devices()) return engine->end_job(Errc::malformed);
        auto devices = engine->judge_devices(reply->devices());
        if (devices.has_error()) return engine->end_job(devices.error());
        if (reply->devices().officer_id() != officer.chars()) return engine->end_job(Errc::credential_invalid);
        auto transaction = engine->vault_->begin(engine->places_.clock.wall());
        auto kept = remember_devices(transaction, officer, *devices);
        if (!kept.has_error()) kept = transaction.commit(Sync::deferred);
        if (kept.has_error()) return engine->end_job(kept.error());
        engine->prepare_sessions(std::move(*devices));
    });
}

void Engine::prepare_sessions(std::vector<Credential> devices) {
    std::erase_if(devices, [&](const Credential& device) { return device.device() == device_->id(); });
    if (devices.empty()) return end_job(Errc::not_found);
    auto& job = jobs_.front();
    if (job.message && job.to != credential_->officer()) std::ranges::move(own_others(), std::back_inserter(devices));
    if (const auto& only = job.only; !only.empty()) {
        std::erase_if(devices,
                      [&](const Credential& device) { return std::ranges::find(only, device.device()) == only.end(); });
        if (devices.empty()) return end_job(Errc::not_delivered);
    }
    auto transaction = vault_->begin(places_.clock.wall());
    std::vector<EnrolmentId> without_session;
    {
        const VaultSessionStore::Use use(session_store_, transaction);
        for (const auto& device : devices) {
            const auto session = session_store_.load_session(device.device());
            if (session.has_error()) return end_job(session.error());
            if (!*session || job.fresh_session) without_session.push_back(device.device());
        }
    }
    if (!without_session.empty()) return take_bundles(std::move(devices), without_session);
    commit_job(std::move(transaction), devices);
}

void Engine::take_bundles(std::vector<Credential> devices, const std::vector<EnrolmentId>& without_session) {
    wire::Frame frame;
    for (const auto& device : without_session)
        frame.mutable_take_bundles()->add_devices(device.string());
    link_->request(std::move(frame), [self = weak_from_this(), devices](const Result<wire::Frame>& reply) mutable {
        const auto engine = self.lock();
        if (engine && !engine->closed_) engine->on_bundles(std::move(devices), reply);
    });
}

void Engine::on_bundles(std::vector<Credential> devices, const Result<wire::Frame>& reply) {
    auto& job = jobs_.front();
    // A copy for an own device that cannot be reached now does not keep the message from the others.
    const wire::Bundles none;
    const bool refused = reply.has_error() || !reply->has_bundles();
    const auto without = std::ranges::find_if(devices, [&](const Credential& one) { return !is_own_copy(job, one); });
    if (refused && (without == devices.end() || job.fresh_session)) {
        return end_job(reply.has_error() ? reply.error() : Error(Errc::malformed));
    }
    auto transaction = vault_->begin(places_.clock.wall());
    const auto used = use_bundles(transaction, devices, refused ? none : reply->bundles());
    if (!used.has_error()) return commit_job(std::move(transaction), devices);
    if (refused) return end_job(reply.has_error() ? reply.error() : Error(Errc::malformed));
    // A peer that has just enrolled publishes its prekeys within moments.
    if (used.error() == Errc::no_prekeys && job.attempts < limits::no_prekeys_retries) {
        job.not_before = clock_.boot() + Millis(limits::no_prekeys_wait) * (1 << job.attempts++);
        return set_alarm();
    }
    end_job(used.error());
}

bool Engine::is_own_copy(const SendJob& job, const Credential& device) const {
    return device.officer() == credential_->officer() && job.to != credential_->officer() && !job.control &&
           !job.fresh_session;
}

Result<void> Engine::use_bundles(VaultTransaction& transaction, std::vector<Credential>& devices,
                                 const wire::Bundles& bundles) {
    const VaultSessionStore::Use use(session_store_, transaction);
    Error why = Errc::no_prekeys;
    std::set<EnrolmentId> renewed;
    for (const auto& result : bundles.results()) {
        const auto device = std::ranges::find_if(
            devices, [&](const Credential& one) { return one.device().chars() == result.device(); });
        if (device == devices.end()) continue;
        if (result.code() == 0) {
            MELDER_TRY(auto writes, sessions_.process_bundle(certified(*device), to_bundle(result.bundle())));
            MELDER_CHECK(stage(transaction, std::move(writes)));
            renewed.insert(device->device());
        } else {
            const auto code = is_known(result.code()) ? static_cast<Errc>(result.code()) : Errc::no_prekeys;
            why = Error(code, result.retry_after_ms());
        }
    }
    // A device that cannot be written to does not keep the message from the others.
    const auto& job = jobs_.front();
    std::vector<Credential> reachable;
    bool addressed = false;
    for (auto& device : devices) {
        MELDER_TRY(const auto session, session_store_.load_session(device.device()));
        if (!session || (job.fresh_session && !renewed.contains(device.device()))) continue;
        addressed = addressed || !is_own_copy(job, device);
        reachable.push_back(std::move(device));
    }
    if (!addressed) return why;
    devices = std::move(reachable);
    return ok();
}

/// Numbers the message and keeps its content for later encryptions.
Result<void> Engine::write_message(VaultTransaction& transaction, SendJob& job) {
    const auto& message = *job.message;
    MELDER_TRY(auto sent, load_sent(transaction, job.to, job.lane));
    ++sent.highest;
    add_sent(sent.runs, sent.highest, round_up(job.expires_at));
    MELDER_CHECK(put_sent(transaction, sent));
    ContentFields fields;
    fields.id = job.id;
    fields.sequence = sent.highest;
    fields.expires_at = job.expires_at;
    if (message.expire_after_display) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(*message.expire_after_display).count();
        fields.expire_after_display_s = static_cast<std::uint32_t>(seconds);
    }
    fields.kind = TextContent{view(message.text)};
    MELDER_TRY(job.content, write_content(fields));
    // With the recipient before it: what an encryption for other devices starts from.
    SecretBuffer kept(OfficerId::size_bytes + job.content.size());
    std::ranges::copy(job.to.view(), kept.expose_writable().begin());
    std::ranges::copy(job.content.expose(), kept.expose_writable().subspan(OfficerId::size_bytes).begin());
    return put_outbox_content(transaction, job.id, kept.expose(), job.expires_at, places_.random);
}

Result<std::vector<OutboxUpload>> Engine::stage_uploads(VaultTransaction& transaction,
                                                        const std::vector<Credential>& devices) {
    auto& job = jobs_.front();
    if (job.message) {
        MELDER_CHECK(write_message(transaction, job));
    }
    const auto addressed =
        std::ranges::count_if(devices, [&](const Credential& device) { return !is_own_copy(job, device); });
    std::vector<OutboxUpload> uploads;
    for (const auto& device : devices) {
        const bool own_copy = is_own_copy(job, device);
        const Outgoing what{.id = job.id,
                            .lane = job.lane,
                            .expires_at = job.expires_at,
                            .reports = job.reports,
                            .whole = addressed == 1 && !own_copy && job.only.empty() && !job.device,
                            .own_copy = own_copy,
                            .control = job.control,
                            .answers = job.answers};
        SecretBuffer copy;
        if (own_copy) {
            MELDER_TRY(copy, copy_for_own(job.content, job.to));
        }
        MELDER_TRY(auto upload, stage_upload(transaction, what, device, (own_copy ? copy : job.content).expose()));
        uploads.push_back(std::move(upload));
    }
    if (job.also) {
        MELDER_CHECK(job.also(transaction));
    }
    return uploads;
}

Result<OutboxUpload> Engine::stage_upload(VaultTransaction& transaction, const Outgoing& what, const Credential& to,
                                          BytesView content) {
    MELDER_TRY(const auto head, judge_sealing(what.lane));
    EncryptedInner inner;
    if (!what.control) {
        const VaultSessionStore::Use use(session_store_, transaction);
        MELDER_TRY(inner, sessions_.encrypt(certified(to), content));
        MELDER_CHECK(stage(transaction, std::move(inner.writes)));
    }
    SealedBodyFields fields;
    fields.sender = device_->id();
    fields.credential = device_->identity.credential;
    fields.statement = statement_document_;
    fields.type = what.control.value_or(static_cast<BodyType>(inner.type));
    fields.sent_at = places_.clock.wall();
    fields.stale_head = head.flag_as_stale;
    fields.answers = what.answers;
    fields.inner = what.control ? content : BytesView(inner.message);
    const auto body = write_sealed_body(fields);

    const auto envelope = places_.random.id<EnvelopeId>();
    SharedHeader header;
    header.lane = what.lane;
    header.expires_at = round_up(what.expires_at);
    const SealRecipient recipient{to.device(), to.binding().identity_key, envelope};
    MELDER_TRY(const auto sealed, seal(header, body.expose(), device_->id(), device_->identity.identity,
                                       std::span(&recipient, 1), places_.random));
    auto submit = to_submit(envelope, sealed);
    submit.set_partial(!what.whole);
    const auto bytes = submit.SerializeAsString();

    OutboxState state;
    state.envelope = envelope;
    state.content = what.id;
    state.lane = what.lane;
    state.expires = header.expires_at;
    MELDER_TRY(state.order, next_outbox_order(transaction));
    (what.own_copy ? state.own_devices : state.recipients) = {to.device()};
    state.reports = what.reports;
    MELDER_CHECK(put_outbox(transaction, state, view(bytes)));

    OutboxUpload upload;
    upload.envelope = envelope;
    upload.content = what.id;
    upload.lane = what.lane;
    upload.expires_at = header.expires_at;
    upload.bytes = bytes.size();
    upload.recipients = state.recipients;
    upload.own_devices = state.own_devices;
    upload.reports = what.reports;
    return upload;
}

void Engine::commit_job(VaultTransaction transaction, const std::vector<Credential>& devices) {
    if (const auto& job = jobs_.front(); job.given_up && job.given_up()) return end_job(Errc::cancelled);
    auto uploads = stage_uploads(transaction, devices);
    if (uploads.has_error()) return end_job(uploads.error());
    if (const auto committed = transaction.commit(Sync::durable); committed.has_error()) {
        return end_job(committed.error());
    }
    const auto now = places_.clock.wall();
    const auto id = jobs_.front().id;
    auto instead_of = jobs_.front().instead_of;
    OutboxLogic::Actions actions;
    for (auto& upload : *uploads) {
        outbox_rows_[id].push_back(upload.envelope);
        auto more = instead_of ? outbox_.on_reencrypted(id, std::exchange(instead_of, std::nullopt), upload, now)
                               : outbox_.add(std::move(upload), now);
        std::ranges::move(more, std::back_inserter(actions));
    }
    end_job(ok());
    run_outbox(actions);
    set_alarm();
}

}  // namespace melder::sdk
