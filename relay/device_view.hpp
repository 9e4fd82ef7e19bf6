#pragma once
// What the relay must know of the directory. Implemented by the keyserver's view (server/directory_view) or by tests.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"

namespace melder::relay {

/// Thread-safe, answers from memory, never blocks.
class DeviceView {
public:
    virtual ~DeviceView() = default;
    struct Device {
        OfficerId officer;
        std::string app;
        bool active = false;  ///< not revoked, suspended, replaced or expired
    };
    [[nodiscard]] virtual std::optional<Device> find_device(const EnrolmentId& device) const = 0;
    /// The officer's active devices of that app, in any order.
    [[nodiscard]] virtual std::vector<EnrolmentId> find_active_devices(const OfficerId& officer,
                                                                       std::string_view app) const = 0;
};

}  // namespace melder::relay
