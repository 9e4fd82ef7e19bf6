#pragma once
// Messages that could not be read: asked for again, and in the end lost. A row lives until the message has come after
// all or the app has acknowledged the loss.

#include <vector>

#include "core/errc.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

struct LossRow {
    EnvelopeId envelope;
    EnrolmentId peer;
    UnixTime lost_at;  ///< without an answer until then it is lost
    Errc reason = Errc::message_lost;
    bool asked = false;  ///< the request is in the outbox
    bool lost = false;   ///< final: the app is told until it acknowledges
};
[[nodiscard]] Result<void> put_loss(VaultTransaction& transaction, const LossRow& row);
[[nodiscard]] Result<void> erase_loss(VaultTransaction& transaction, const EnvelopeId& envelope);
[[nodiscard]] Result<std::vector<LossRow>> load_losses(const VaultTransaction& transaction);

/// Something that is done with a peer device at most once in a while; the row is gone when it may be done again.
enum class PeerLimit : std::uint8_t { session_repair = 1, heartbeat = 2 };
[[nodiscard]] Result<void> put_limit(VaultTransaction& transaction, PeerLimit what, const EnrolmentId& peer,
                                     UnixTime until);
/// False from `until` on.
[[nodiscard]] Result<bool> is_limited(const VaultTransaction& transaction, PeerLimit what, const EnrolmentId& peer);

}  // namespace melder::sdk
