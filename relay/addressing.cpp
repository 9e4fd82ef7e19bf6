#include "relay/addressing.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace melder::relay {

Addressing check_addressing(const DeviceView& view, const EnrolmentId& sender, std::string_view app,
                            const std::vector<EnrolmentId>& recipients, bool partial) {
    Addressing out;
    out.refused.resize(recipients.size());
    std::map<OfficerId, std::set<EnrolmentId>> addressed;
    for (std::size_t i = 0; i < recipients.size(); ++i) {
        const auto device = view.find_device(recipients[i]);
        if (!device || device->app != app) {
            out.refused[i] = Errc::unknown_device;
            out.routable = false;
            continue;
        }
        if (!device->active) {
            out.refused[i] = partial ? Errc::device_revoked : Errc::mismatched_devices;
            out.routable = false;
        }
        addressed[device->officer].insert(recipients[i]);
    }
    if (partial) {
        out.routable = true;
        return out;
    }
    for (const auto& [officer, devices] : addressed) {
        auto present = view.find_active_devices(officer, app);
        std::erase(present, sender);
        std::ranges::sort(present);
        if (std::ranges::equal(present, devices)) continue;
        out.mismatched.push_back({officer, std::move(present)});
        out.routable = false;
    }
    if (!out.routable) {
        for (auto& refused : out.refused) {
            if (!refused) refused = Errc::mismatched_devices;
        }
    }
    return out;
}

}  // namespace melder::relay
