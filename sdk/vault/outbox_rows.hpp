#pragma once
// What is on its way out. The sealed bytes and the queue's state stand in the boot compartment, so that a locked phone
// goes on sending; the content, for re-encryption only, stands in the main one under a random key of its own.

#include <vector>

#include "core/envelope.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

struct OutboxState {
    EnvelopeId envelope;
    ContentId content;
    Lane lane = Lane::normal;
    UnixTime expires;
    std::uint64_t order = 0;  ///< position in the queue; rows come back sorted by it
    std::vector<EnrolmentId> recipients, own_devices;
    std::vector<EnrolmentId> answered;  ///< acknowledged or refused for good by the server
    bool reports = true;
    bool told = false;  ///< the app knows how the message ended for its addressee
};

/// The send commit: state and exact bytes (the encoded Submit), together with the advanced sessions in the caller's
/// transaction, which is then committed durably. Also counts the send counter.
[[nodiscard]] Result<void> put_outbox(VaultTransaction& transaction, const OutboxState& state, BytesView sealed);
/// The state alone; the bytes stay as they are.
[[nodiscard]] Result<void> update_outbox(VaultTransaction& transaction, const OutboxState& state);
/// Nothing where there is no such row.
[[nodiscard]] Result<void> mark_outbox_told(VaultTransaction& transaction, const EnvelopeId& envelope);
/// The bytes go, the state stays: all is answered, a delivered receipt is waited for.
[[nodiscard]] Result<void> erase_outbox_bytes(VaultTransaction& transaction, const EnvelopeId& envelope);
[[nodiscard]] Result<void> erase_outbox(VaultTransaction& transaction, const EnvelopeId& envelope);
[[nodiscard]] Result<std::optional<Bytes>> find_outbox_bytes(const VaultTransaction& transaction,
                                                             const EnvelopeId& envelope);
[[nodiscard]] Result<std::vector<OutboxState>> load_outbox(const VaultTransaction& transaction);
/// The highest `order` there ever was in this outbox + 1.
[[nodiscard]] Result<std::uint64_t> next_outbox_order(const VaultTransaction& transaction);

/// Kept until delivered (erase it), `expires` or 24 h from now, whichever comes first.
[[nodiscard]] Result<void> put_outbox_content(VaultTransaction& transaction, const ContentId& content,
                                              BytesView plaintext, UnixTime expires, Random& random);
[[nodiscard]] Result<std::optional<SecretBuffer>> find_outbox_content(const VaultTransaction& transaction,
                                                                      const ContentId& content);
/// The key first, then what it opened.
[[nodiscard]] Result<void> erase_outbox_content(VaultTransaction& transaction, const ContentId& content);

}  // namespace melder::sdk
