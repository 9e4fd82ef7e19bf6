#pragma once
// Whether an upload names exactly the present devices of every officer it addresses.

#include <unordered_map>
#include <vector>

#include "core/result.hpp"
#include "relay/device_view.hpp"

namespace melder::relay {

struct Addressing {
    /// Per header: nothing, or why this device gets none. With `partial` the others are routed all the same.
    std::vector<std::optional<Errc>> refused;
    struct Present {
        OfficerId officer;
        std::vector<EnrolmentId> devices;
    };
    std::vector<Present> mismatched;  ///< not empty: nothing is routed
    bool routable = true;
};

/// `sender` belongs to nobody's expected set: a device need not write to itself.
[[nodiscard]] Addressing check_addressing(const DeviceView& view, const EnrolmentId& sender, std::string_view app,
                                          const std::vector<EnrolmentId>& recipients, bool partial);

}  // namespace melder::relay
