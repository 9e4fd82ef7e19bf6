#pragma once
// What the help desk may know of a device beyond its logins (keyserver/login_book.hpp): the day it was last connected,
// which kinds of refusals it gave. No peers, no content, no time of day. In memory only, since the process started;
// bounded.
//
// Threads: belongs to its core.

#include <optional>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/errc.hpp"
#include "core/ids.hpp"

namespace melder::relay {

struct Presence {
    struct Refusals {
        Errc code = Errc::internal;
        std::int64_t day_s = 0;  ///< the day's beginning, UTC
        std::uint32_t count = 0;
    };
    std::int64_t last_seen_day_s = 0;
    std::vector<Refusals> refusals;  ///< newest first
};

class PresenceBook {
public:
    void seen(const EnrolmentId& device, UnixTime now);
    void refused(const EnrolmentId& device, Errc code, UnixTime now);
    [[nodiscard]] std::optional<Presence> find(const EnrolmentId& device) const;
    [[nodiscard]] std::size_t size() const noexcept { return devices_.size(); }

private:
    Presence& touch(const EnrolmentId& device);
    std::unordered_map<EnrolmentId, Presence> devices_;
};

}  // namespace melder::relay
