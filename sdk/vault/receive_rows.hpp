#pragma once
// What receiving leaves behind: pending rows until the ack, done ids until expiry + 24 h, and notes of what was being
// opened.

#include "core/envelope.hpp"
#include "sdk/crypto/session_layer.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

/// HMAC of (sender device, content id): Vault::blind over both.
using ContentMark = ByteArray<32>;
[[nodiscard]] Result<ContentMark> mark_of(const Vault& vault, const EnrolmentId& sender, const ContentId& content);

struct PendingRow {
    EnvelopeId envelope;
    InnerType type = InnerType::signal;
    Hash inner_hash;         ///< of the inner message this key belongs to
    MessageKey message_key;  ///< of this one message
    UnixTime expires;
    ContentMark mark{};
};
/// Also removes the envelope's note, if any: the receive commit is what shows that opening it ended well.
[[nodiscard]] Result<void> put_pending(VaultTransaction& transaction, const PendingRow& row);
[[nodiscard]] Result<std::optional<PendingRow>> find_pending(const VaultTransaction& transaction,
                                                             const EnvelopeId& envelope);

/// The ack's transaction: the pending row goes, the id is remembered as done until `expires` + 24 h.
[[nodiscard]] Result<void> mark_done(VaultTransaction& transaction, const EnvelopeId& envelope, UnixTime expires);
[[nodiscard]] Result<bool> is_done(const VaultTransaction& transaction, const EnvelopeId& envelope);
/// The envelope in which this content came first, pending or done.
[[nodiscard]] Result<std::optional<EnvelopeId>> find_content(const VaultTransaction& transaction,
                                                             const ContentMark& mark);

/// Before an envelope is opened; commit deferred. `crashes` if its note was found at two starts: don't open it.
/// An id with a pending row needs no note.
[[nodiscard]] Result<void> note_opening(VaultTransaction& transaction, const EnvelopeId& envelope);
/// With the receive commit, the refusal, or at lock.
[[nodiscard]] Result<void> remove_note(VaultTransaction& transaction, const EnvelopeId& envelope);
/// Once after every opening of the vault: counts what the former process left open.
[[nodiscard]] Result<void> count_notes_at_start(VaultTransaction& transaction);

}  // namespace melder::sdk
