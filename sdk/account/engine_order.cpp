// In which order the app sees what has arrived, and what has not: held back until its predecessors are here, missed by
// its number, and told by the sender's own count in receipts and heartbeats.

#include "sdk/account/engine.hpp"
#include "sdk/account/sent_runs.hpp"
#include "sdk/vault/sequence_rows.hpp"

namespace melder::sdk {

namespace {

constexpr std::array numbered_lanes{Lane::normal, Lane::urgent};

/// One wiped buffer for all copies of the event.
ReceivedText wiped_text(BytesView text) {
    auto* bytes = new std::vector<std::uint8_t>(text.begin(), text.end());
    return ReceivedText(std::shared_ptr<const std::vector<std::uint8_t>>(bytes, [](std::vector<std::uint8_t>* gone) {
        wipe(*gone);
        delete gone;
    }));
}

}  // namespace

Result<void> Engine::load_streams() {
    MELDER_TRY(const auto rows, sdk::load_streams(vault_->begin(places_.clock.wall())));
    for (const auto& row : rows)
        sequence_.restore(row, clock_.boot());
    return ok();
}

StreamKey Engine::stream_of(const Credential& sender, const ContentFields& fields, Lane lane) const {
    return {sender.device(), fields.conversation.value_or(sender.officer()), lane};
}

Engine::Arrived Engine::describe_arrival(const ReceivedEnvelope& envelope, const Credential& sender,
                                         const SealedBodyView& body, const ContentFields& fields) const {
    Arrived out{.what = UnknownReceived{describe(sender), fields.id, 0},
                .bytes = envelope.bytes,
                .envelope = envelope.key,
                .expires = fields.expires_at.value_or(envelope.header.expires_at),
                .receipt_to = {},
                .content = fields.id};
    if (const auto* text = std::get_if<TextContent>(&fields.kind)) {
        out.what = TextReceived{.from = describe(sender),
                                .conversation = fields.conversation.value_or(sender.officer()),
                                .own = sender.officer() == credential_->officer(),
                                .content_id = fields.id,
                                .text = wiped_text(text->text),
                                .sent_at = body.sent_at(),
                                .expires_at = fields.expires_at,
                                .urgency = envelope.key.lane == Lane::urgent ? Urgency::urgent : Urgency::normal,
                                .stale_head = body.stale_head()};
        out.receipt_to = sender;
    } else if (const auto* unknown = std::get_if<UnknownContent>(&fields.kind)) {
        out.what = UnknownReceived{describe(sender), fields.id, unknown->field};
    }
    return out;
}

bool Engine::is_held_back(const EnvelopeId& envelope) const {
    return std::ranges::any_of(arrived_, [&](const auto& one) { return one.second.envelope.id == envelope; });
}

void Engine::follow(SequenceLogic::Output output) {
    for (const auto token : output.release) {
        auto arrived = arrived_.extract(token);
        if (arrived.empty()) continue;  // a number of something that is not shown
        auto& message = arrived.mapped();
        (void)events_.push(std::move(message.what), message.bytes, message.envelope, message.expires);
        if (message.receipt_to) owe_receipt(*message.receipt_to, message.content);
    }
    for (const auto& gap : output.gaps)
        (void)events_.push(GapNoticed{gap.stream.sender, gap.stream.conversation, gap.first, gap.last, gap.expired}, 0,
                           std::nullopt);
    hand_out();
    set_alarm();
}

void Engine::handle_progress(const Credential& sender, const std::vector<Progress>& progress) {
    for (const auto& one : progress)
        follow(sequence_.on_progress({sender.device(), sender.officer(), one.lane}, one.highest_sent,
                                     one.lowest_unexpired, clock_.boot()));
}

Result<std::vector<Progress>> Engine::progress_for(const VaultTransaction& transaction, const Credential& to) const {
    std::vector<Progress> out;
    for (const auto lane : numbered_lanes) {
        MELDER_TRY(const auto sent, load_sent(transaction, to.officer(), lane));
        const auto seen = sequence_.highest({to.device(), to.officer(), lane});
        if (sent.highest == 0 && seen == 0) continue;
        out.push_back({lane, sent.highest, seen, lowest_unexpired(sent.runs, sent.highest, transaction.now())});
    }
    return out;
}

/// To devices that have confirmed nothing although the server has it all: so they can tell whether something is
/// missing.
void Engine::send_heartbeats() {
    heartbeats_due_ = clock_.boot() + Millis(limits::heartbeat_look);
    const auto now = places_.clock.wall();
    for (const auto& device : outbox_.silent()) {
        auto transaction = vault_->begin(now);
        const auto limited = is_limited(transaction, PeerLimit::heartbeat, device);
        if (limited.has_error() || *limited) continue;
        const auto peer = find_peer(transaction, device);
        if (peer.has_error() || !*peer || (*peer)->officer() == credential_->officer()) continue;
        if (put_limit(transaction, PeerLimit::heartbeat, device, now + Millis(limits::heartbeat_interval)).has_error())
            continue;
        (void)send_unasked(std::move(transaction), **peer, HeartbeatContent{});  // the next look tries again
    }
}

}  // namespace melder::sdk
