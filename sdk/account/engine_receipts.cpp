// Delivered receipts: owed from the receive commit on, batched per device and sent after a short random wait, so that a
// receipt's moment does not give away its message.

#include "sdk/account/engine.hpp"

namespace melder::sdk {

namespace {
constexpr std::uint64_t receipt_wait_ms = 400;
constexpr std::size_t receipt_peers_longest = 1024;  ///< beyond: the sender learns no more than `stored`
}  // namespace

void Engine::handle_receipt(const ReceiptContent& receipt, const EnrolmentId& by) {
    if (receipt.kind != ReceiptKind::delivered) return;
    for (const auto& content : receipt.contents)
        run_outbox(outbox_.on_delivered(content, by, places_.clock.wall()));
}

void Engine::owe_receipt(const Credential& to, const ContentId& content) {
    if (!owed_receipts_.contains(to.device()) && owed_receipts_.size() >= receipt_peers_longest) return;
    auto& owed = owed_receipts_.try_emplace(to.device(), OwedReceipts{to, {}}).first->second;
    if (owed.contents.size() < limits::control_ids && std::ranges::find(owed.contents, content) == owed.contents.end())
        owed.contents.push_back(content);
    if (!receipts_due_) receipts_due_ = places_.clock.boot() + Millis(100 + places_.random.below(receipt_wait_ms));
    set_alarm();
}

void Engine::send_receipts() {
    receipts_due_.reset();
    for (const auto& [device, owed] : std::exchange(owed_receipts_, {}))
        (void)send_receipt(owed.to, owed.contents);  // a receipt that cannot be written is no loss of a message
}

Result<void> Engine::send_receipt(const Credential& to, const std::vector<ContentId>& contents) {
    return send_unasked(vault_->begin(places_.clock.wall()), to, ReceiptContent{ReceiptKind::delivered, contents});
}

/// Receipts and heartbeats: with the progress of the conversation, in the session there is, and nobody waits for them.
Result<void> Engine::send_unasked(VaultTransaction transaction, const Credential& to, ContentKind kind) {
    const auto now = transaction.now();
    ContentFields fields;
    fields.id = places_.random.id<ContentId>();
    fields.kind = std::move(kind);
    MELDER_TRY(fields.progress, progress_for(transaction, to));
    MELDER_TRY(const auto content, write_content(fields));
    const Outgoing what{.id = fields.id,
                        .lane = Lane::receipt,
                        .expires_at = now + Millis(limits::ttl_default),
                        .reports = false,
                        .whole = false,
                        .own_copy = false,
                        .control = {},
                        .answers = {}};
    MELDER_TRY(auto upload, stage_upload(transaction, what, to, content.expose()));
    MELDER_CHECK(transaction.commit(Sync::durable));
    outbox_rows_[fields.id].push_back(upload.envelope);
    run_outbox(outbox_.add(std::move(upload), now));
    return ok();
}

}  // namespace melder::sdk
