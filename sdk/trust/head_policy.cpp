#include "sdk/trust/head_policy.hpp"

namespace melder::sdk {

Result<HeadJudgement> judge_sealing(const TrustState& trust, const Credential& own, UnixTime now, Lane lane) {
    if (trust.fork()) return Errc::log_fork;
    MELDER_CHECK(trust.judge_recipient(own, now));
    if (trust.list().expired(now) && !trust.list().in_grace(now)) return Errc::trust_list_expired;
    return judge_head(trust.log_is_behind() ? std::nullopt : trust.confirmed(), now, lane);
}

}  // namespace melder::sdk
