#pragma once
// Whether something may be sealed to a peer (DESIGN section 2, "Order log"): by the age of the last statement over an
// own nonce that confirmed the order log's head we hold, and by what we know of ourselves. Decision only.

#include <optional>

#include "core/clock.hpp"
#include "core/envelope.hpp"
#include "core/limits.hpp"
#include "core/result.hpp"
#include "sdk/trust/trust_state.hpp"

namespace melder::sdk {

struct HeadJudgement {
    bool warn = false;           ///< tell the app: 12 h without a confirmation
    bool flag_as_stale = false;  ///< urgent, and older than 24 h: goes out, flagged to both sides
};

/// `head_stale` for everything but urgent from 24 h on, and if there never was a confirmation.
[[nodiscard]] inline Result<HeadJudgement> judge_head(std::optional<UnixTime> confirmed, UnixTime now, Lane lane) {
    const bool stale = !confirmed || now - *confirmed >= limits::head_stale;
    if (stale && lane != Lane::urgent) return Errc::head_stale;
    return HeadJudgement{.warn = stale || now - *confirmed >= limits::head_warning, .flag_as_stale = stale};
}

/// Whether this device may seal at all, before anybody is looked up: `log_fork` once a fork was seen; `device_revoked`
/// (also suspended), `device_replaced` and `credential_expired` for itself; `trust_list_expired` when the 30 days of
/// grace are over; `head_stale`. While a verified statement names entries that we lack, no head counts as confirmed.
[[nodiscard]] Result<HeadJudgement> judge_sealing(const TrustState& trust, const Credential& own, UnixTime now,
                                                  Lane lane);

}  // namespace melder::sdk
