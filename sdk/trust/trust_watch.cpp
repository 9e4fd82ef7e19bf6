#include "sdk/trust/trust_watch.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::sdk {

BootTime TrustWatch::ask_at(bool second_opinion, bool head_unconfirmed) const {
    if (!asked_) return {};
    if (head_unconfirmed) return *asked_ + Millis(limits::statement_retry);
    return *asked_ + (second_opinion ? Millis(limits::clock_second_opinion) : Millis(limits::statement_refresh));
}

std::vector<TrustWatch::Concern> TrustWatch::look(const TrustState& trust, const Credential& own, UnixTime now) {
    std::vector<Concern> found;
    const auto standing = trust.book().standing(own.device());
    if (trust.fork()) found.push_back(Concern::log_forked);
    if (standing == DeviceStanding::revoked || standing == DeviceStanding::suspended) {
        found.push_back(Concern::own_device_revoked);
    }
    if (standing == DeviceStanding::replaced) found.push_back(Concern::own_device_replaced);
    if (trust.list().expired(now)) found.push_back(Concern::trust_list_expired);
    const auto head = judge_head(trust.confirmed(), now, Lane::urgent);
    if (head.has_value() && head->warn) found.push_back(Concern::head_unconfirmed);

    std::vector<Concern> news;
    for (const auto concern : found) {
        if (std::ranges::find(present_, concern) == present_.end()) news.push_back(concern);
    }
    present_ = std::move(found);
    return news;
}

}  // namespace melder::sdk
