#pragma once
// Whether something may be sealed to a peer, by the age of the last statement over an own nonce that confirmed the
// order log's head we hold (DESIGN section 2, "Order log"). Decision only.

#include <optional>

#include "core/clock.hpp"
#include "core/envelope.hpp"
#include "core/limits.hpp"
#include "core/result.hpp"

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

}  // namespace melder::sdk
