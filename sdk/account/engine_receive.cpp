// From a delivery to an event and its acknowledgement: receive commit before the app sees anything, ack commit before
// the server hears of it (DESIGN section 4, "Two commits").

#include "proto/trust.pb.h"
#include "sdk/account/engine.hpp"
#include "sdk/vault/sequence_rows.hpp"

namespace melder::sdk {

namespace {

wire::EnvelopeRef to_ref(const EnvelopeKey& key) {
    wire::EnvelopeRef out;
    out.set_lane(static_cast<wire::Lane>(key.lane));
    out.set_envelope_id(key.id.string());
    return out;
}

struct OpenedEnvelope {
    Credential sender;
    SealedBodyView body;
};

/// com, B, credential, tag: only then are there inner bytes.
Result<OpenedEnvelope> open_envelope(const ReceivedEnvelope& envelope, const OwnDevice& own, const TrustList& trust) {
    MELDER_TRY(auto opened, open(envelope.body, envelope.own, {own.id(), own.identity.identity, envelope.key.id}));
    MELDER_TRY(auto sender, Credential::verify(opened.encoded_credential(), trust));
    MELDER_TRY(auto plaintext, std::move(opened).authenticate(sender));
    MELDER_TRY(auto body, SealedBodyView::parse(std::move(plaintext)));
    return OpenedEnvelope{std::move(sender), std::move(body)};
}

Result<InnerType> inner_type_of(const SealedBodyView& body) {
    if (!body.group().is_zero()) return Errc::unsupported;
    if (body.type() == BodyType::prekey) return InnerType::prekey;
    if (body.type() == BodyType::signal) return InnerType::signal;
    return Errc::unsupported;
}

bool is_control(const SealedBodyView& body) {
    return body.group().is_zero() && (body.type() == BodyType::resend_request ||
                                      body.type() == BodyType::session_repair || body.type() == BodyType::lost);
}

bool is_loss(Errc code) {
    switch (code) {
        case Errc::no_session:
        case Errc::undecryptable:
        case Errc::gap_too_large:
        case Errc::unknown_prekey:
        case Errc::replayed:  // its key was used, or went with the oldest of too many
            return true;
        default:
            return false;
    }
}

/// Not the envelope's fault: it stays on the server and comes again with the next connection.
bool is_local(Errc code) {
    switch (code) {
        case Errc::storage_full:
        case Errc::io_error:
        case Errc::locked:
        case Errc::out_of_memory:
        case Errc::vault_unreadable:
        case Errc::internal:
        case Errc::throttled:
            return true;
        default:
            return false;
    }
}

}  // namespace

void Engine::on_deliver(const wire::Deliver& deliver) {
    for (const auto& delivery : deliver.envelopes()) {
        // A revocation that the server has stated is known before anything is opened.
        if (log_is_behind()) {
            unjudged_.push_back(delivery);
        } else {
            on_delivery(delivery);
        }
    }
}

void Engine::on_delivery(const wire::Delivery& delivery) {
    const auto lane = lane_from(static_cast<std::uint32_t>(delivery.lane()));
    const auto id = EnvelopeId::from(delivery.envelope_id());
    if (lane.has_error() || id.has_error()) return;  // nothing that could be named in an answer
    const EnvelopeKey key{*lane, *id};
    const auto envelope = ReceivedEnvelope::from(key, delivery);
    if (envelope.has_error()) return refuse(key, envelope.error());
    if (const auto received = receive(*envelope); received.has_error()) {
        if (!is_local(received.error().code())) {
            refuse(key, received.error());
        } else {
            // It ended no process: without its note the next start opens it again. It does not hold the window either.
            if (received.error() == Errc::throttled) {
                defer(key);
            } else {
                events_.owe_received(key);
            }
            auto transaction = vault_->begin(places_.clock.wall());
            if (!remove_note(transaction, key.id).has_error()) (void)transaction.commit(Sync::deferred);
        }
    }
    send_received();
}

Result<void> Engine::receive(const ReceivedEnvelope& envelope) {
    const auto& key = envelope.key;
    // A new connection brings what the app has not let go of, and what is being dealt with.
    if (events_.holds(key.id) || is_held_back(key.id) || answering_.contains(key.id)) {
        events_.owe_received(key);
        return ok();
    }
    auto transaction = vault_->begin(places_.clock.wall());
    MELDER_TRY(const auto done, is_done(transaction, key.id));
    // Expired by a step of the clock that only one statement speaks for: hidden, and not yet given up.
    if (!done && envelope.header.expires_at <= transaction.now() && envelope.header.expires_at > clock_.erasable()) {
        events_.owe_received(key);
        return ok();
    }
    if (done || envelope.header.expires_at <= transaction.now()) {
        if (!done) MELDER_CHECK(finish_envelope(transaction, key, envelope.header.expires_at));
        acknowledge_to_server(key);
        return ok();
    }
    MELDER_TRY(const auto row, find_pending(transaction, key.id));
    if (row) return receive_again(envelope, *row);
    MELDER_CHECK(note_opening(transaction, key.id));
    MELDER_CHECK(transaction.commit(Sync::deferred));
    return receive_first(envelope);
}

/// What an acknowledgement ends besides an envelope.
Result<void> Engine::note_acknowledged(const EventQueue::Entry& entry) {
    auto transaction = vault_->begin(places_.clock.wall());
    if (entry.loss) MELDER_CHECK(erase_loss(transaction, *entry.loss));
    if (const auto* gap = std::get_if<GapNoticed>(&entry.event.what)) {
        for (const auto lane : {Lane::normal, Lane::urgent}) {
            const auto row = sequence_.row({gap->from, gap->conversation, lane});
            if (row.highest > 0) MELDER_CHECK(put_stream(transaction, row));
        }
    }
    if (transaction.empty()) return ok();
    MELDER_CHECK(transaction.commit(Sync::durable));
    if (entry.loss) losses_.erase(*entry.loss);
    return ok();
}

Result<void> Engine::receive_again(const ReceivedEnvelope& envelope, const PendingRow& row) {
    MELDER_TRY(auto opened, open_envelope(envelope, *device_, trust_list()));
    const auto inner = opened.body.inner();
    if (sha256(inner) != row.inner_hash) return Errc::envelope_conflict;
    MELDER_TRY(auto plaintext, open_from_pending_row(row.message_key, row.type, inner));
    MELDER_TRY(const auto content, ContentView::parse(std::move(plaintext)));
    const auto& fields = content.fields();
    const auto token = next_token_++;
    arrived_.emplace(token, describe_arrival(envelope, opened.sender, opened.body, fields));
    follow(sequence_.on_arrival(stream_of(opened.sender, fields, envelope.key.lane), fields.sequence, token,
                                clock_.boot()));
    return ok();
}

Result<void> Engine::judge_sender(const Credential& sender, UnixTime sent_at) const {
    if (sender.grant().app != credential_->grant().app) return Errc::credential_invalid;
    return trust_->judge_credential(sender, sent_at, places_.clock.wall(), limits::ttl_longest);
}

Result<void> Engine::receive_first(const ReceivedEnvelope& envelope) {
    const auto& key = envelope.key;
    auto opened = open_envelope(envelope, *device_, trust_list());
    if (opened.has_error()) return opened.error();
    const auto& sender = opened->sender;
    MELDER_CHECK(judge_sender(sender, opened->body.sent_at()));
    MELDER_CHECK(take_peer_statement(opened->body.statement()));
    if (is_control(opened->body)) return receive_control(envelope, sender, opened->body);
    MELDER_TRY(const auto type, inner_type_of(opened->body));
    const auto inner = opened->body.inner();
    const auto& answers = opened->body.answers();

    auto transaction = vault_->begin(places_.clock.wall());
    const VaultSessionStore::Use use(session_store_, transaction);
    const CertifiedPeer peer{sender.device(), sender.binding().identity_key, sender.binding().registration_id};
    // What was asked for is as rare as what was not read.
    const bool awaited = answers && repair_->waits_for(sender.device(), *answers);
    if (!awaited && throttle_.is_throttled(sender.device(), clock_.boot())) {
        throttled_.emplace_back(key, sender.device());
        return Errc::throttled;
    }
    auto decrypted = sessions_.decrypt(peer, type, inner);
    if (decrypted.has_error() && !is_local(decrypted.error().code()))
        throttle_.on_failure(sender.device(), clock_.boot());
    if (decrypted.has_error() && is_loss(decrypted.error().code()))
        return ask_again(transaction, envelope, sender, answers, decrypted.error().code());
    if (decrypted.has_error()) return decrypted.error();
    MELDER_CHECK(stage(transaction, std::move(decrypted->writes)));

    auto content = ContentView::parse(std::move(decrypted->plaintext));
    if (!content.has_error() && content->fields().conversation && sender.officer() != credential_->officer())
        content = Errc::malformed;  // only the own officer's devices say what was written to others
    if (content.has_error()) {
        // The ratchet has moved for good, whatever was in the message.
        return present_loss(transaction, envelope, {sender.device(), content.error().code()});
    }
    PendingRow row;
    row.envelope = key.id;
    row.type = type;
    row.inner_hash = sha256(inner);
    row.message_key = std::move(decrypted->message_key);
    row.expires = envelope.header.expires_at;
    return receive_content(transaction, envelope, sender, opened->body, std::move(row), *content);
}

/// The receive commit, and what follows from it.
Result<void> Engine::receive_content(VaultTransaction& transaction, const ReceivedEnvelope& envelope,
                                     const Credential& sender, const SealedBodyView& body, PendingRow row,
                                     const ContentView& content) {
    const auto& fields = content.fields();
    MELDER_TRY(row.mark, mark_of(*vault_, sender.device(), fields.id));
    MELDER_TRY(const auto former, find_content(transaction, row.mark));
    const bool shown =
        std::holds_alternative<TextContent>(fields.kind) || std::holds_alternative<UnknownContent>(fields.kind);
    const bool over = fields.expires_at && *fields.expires_at <= transaction.now();
    const bool kept = shown && !former && !over;
    MELDER_CHECK(resolve_loss(transaction, sender.device(), body.answers()));
    MELDER_CHECK(
        put_credential(transaction, sender.hash(), sender.device(), sender.encoded(), sender.grant().not_after));

    const auto stream = stream_of(sender, fields, envelope.key.lane);
    const auto token = next_token_++;
    auto order = sequence_.on_arrival(stream, fields.sequence, token, clock_.boot());
    const auto committed = [&]() -> Result<void> {
        if (const auto arrived = sequence_.row(stream); arrived.highest > 0) {
            MELDER_CHECK(put_stream(transaction, arrived));
        }
        if (!kept) return finish_envelope(transaction, envelope.key, envelope.header.expires_at);
        MELDER_CHECK(put_pending(transaction, row));
        return transaction.commit(Sync::deferred);
    }();
    if (committed.has_error()) {
        sequence_.forget(token);
    } else if (kept) {
        arrived_.emplace(token, describe_arrival(envelope, sender, body, fields));
    }
    follow(std::move(order));
    if (committed.has_error()) return committed;
    if (body.answers()) forget_loss(*body.answers());
    handle_progress(sender, fields.progress);
    if (kept) return ok();
    acknowledge_to_server(envelope.key);
    if (former) return ok();
    if (const auto* receipt = std::get_if<ReceiptContent>(&fields.kind)) handle_receipt(*receipt, sender.device());
    if (over) raise(ExpiredUnread{1});
    return ok();
}

/// No repetition makes it readable. The loss is an event like the message it stands for: only the app's acknowledgement
/// ends the envelope, so a process that dies before tells it again.
Result<void> Engine::present_loss(VaultTransaction& transaction, const ReceivedEnvelope& envelope, MessageLost loss) {
    MELDER_CHECK(remove_note(transaction, envelope.key.id));
    MELDER_CHECK(transaction.commit(Sync::deferred));
    (void)events_.push(std::move(loss), 0, envelope.key, envelope.header.expires_at);
    hand_out();
    return ok();
}

Result<void> Engine::finish_envelope(VaultTransaction& transaction, const EnvelopeKey& key, UnixTime expires) {
    MELDER_CHECK(mark_done(transaction, key.id, expires));
    return transaction.commit(Sync::durable);
}

void Engine::acknowledge_to_server(const EnvelopeKey& key) {
    events_.owe_received(key);
    finish_to_server(key);
}

/// For what `Received` was owed for before.
void Engine::finish_to_server(const EnvelopeKey& key) {
    wire::Frame frame;
    *frame.mutable_ack()->add_envelopes() = to_ref(key);
    link_->send(std::move(frame));
}

void Engine::acknowledge(EventId event, OperationPtr<void> operation) {
    if (closed_) return operation->end(Errc::closed);
    const auto* entry = events_.find(event);
    if (entry != nullptr && entry->envelope) {
        const auto key = *entry->envelope;
        auto transaction = vault_->begin(places_.clock.wall());
        const auto row = find_pending(transaction, key.id);
        if (row.has_error()) return operation->end(row.error());
        const auto expires = *row ? (*row)->expires : transaction.now() + Millis(limits::ttl_longest);
        if (const auto done = finish_envelope(transaction, key, expires); done.has_error()) {
            return operation->end(done.error());
        }
        finish_to_server(key);
    }
    if (entry != nullptr) {
        if (const auto noted = note_acknowledged(*entry); noted.has_error()) return operation->end(noted.error());
    }
    (void)events_.remove(event);
    send_received();
    operation->end(ok());
}

void Engine::refuse(const EnvelopeKey& key, const Error& why) {
    if (why.code() != Errc::crashes) {  // that note stays: it is refused unopened until the server moves it aside
        auto transaction = vault_->begin(places_.clock.wall());
        if (!remove_note(transaction, key.id).has_error()) (void)transaction.commit(Sync::deferred);
    }
    note_error(why.code());
    events_.owe_received(key);
    wire::Frame frame;
    auto& refusal = *frame.mutable_refuse()->add_refusals();
    *refusal.mutable_envelope() = to_ref(key);
    refusal.set_code(static_cast<std::uint32_t>(why.code()));
    link_->send(std::move(frame));
    if (why.code() == Errc::sealed_invalid) raise(MessageLost{std::nullopt, why.code()});
}

void Engine::defer(const EnvelopeKey& key) {
    wire::Frame frame;
    *frame.mutable_defer()->add_envelopes() = to_ref(key);
    link_->send(std::move(frame));
}

/// One message of each peer that may fail again: more come with its next turn.
void Engine::retry_throttled() {
    retry_due_ = clock_.boot() + Millis(limits::session_failure_forgiven_after);
    std::set<EnrolmentId> peers;
    wire::Frame frame;
    std::erase_if(throttled_, [&](const auto& one) {
        const auto& [key, peer] = one;
        if (throttle_.is_throttled(peer, clock_.boot()) || !peers.insert(peer).second) return false;
        *frame.mutable_retry()->add_envelopes() = to_ref(key);
        return true;
    });
    if (!peers.empty()) link_->send(std::move(frame));
}

void Engine::send_received() {
    if (connection_ != ConnectionState::online || !link_) return;
    const auto keys = events_.take_received();
    if (keys.empty()) return;
    wire::Frame frame;
    for (const auto& key : keys)
        *frame.mutable_received()->add_envelopes() = to_ref(key);
    link_->send(std::move(frame));
}

}  // namespace melder::sdk
