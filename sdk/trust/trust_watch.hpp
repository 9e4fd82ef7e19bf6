#pragma once
// When to ask for a statement over a fresh nonce, and what the app is told about trust, each thing once. Decision only;
// one thread.

#include <cstdint>
#include <optional>
#include <vector>

#include "sdk/trust/guarded_clock.hpp"
#include "sdk/trust/head_policy.hpp"

namespace melder::sdk {

class TrustWatch {
public:
    // ---- asking
    /// A connection is new: its server is asked at once.
    void on_connected() { asked_ = std::nullopt; }
    void on_asked(BootTime now) { asked_ = now; }
    /// When to ask the connected server again: limits::statement_refresh after the last time, sooner if the clock waits
    /// for a second opinion or the head is not confirmed as it should be.
    [[nodiscard]] BootTime ask_at(bool second_opinion, bool head_unconfirmed) const;

    // ---- telling
    enum class Concern : std::uint8_t {
        head_unconfirmed,
        log_forked,
        own_device_revoked,
        own_device_replaced,
        trust_list_expired
    };
    /// What has become true since it was looked at last; what ceases to be true is forgotten and told again next time.
    [[nodiscard]] std::vector<Concern> look(const TrustState& trust, const Credential& own, UnixTime now);

private:
    std::optional<BootTime> asked_;
    std::vector<Concern> present_;
};

}  // namespace melder::sdk
