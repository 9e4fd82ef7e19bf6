#pragma once
// The directory's view as the relay wants to see it.

#include "relay/device_view.hpp"
#include "server/directory_view.hpp"

namespace melder::relay {

class DirectoryDeviceView final : public DeviceView {
public:
    /// Both outlive the adapter.
    DirectoryDeviceView(const server::DirectoryView& view, const Clock& clock) : view_(view), clock_(clock) {}

    [[nodiscard]] std::optional<Device> find_device(const EnrolmentId& device) const override {
        const auto found = view_.find(device);
        if (!found || !found->bound) return std::nullopt;
        return Device{.officer = found->officer, .app = found->app, .active = found->active_at(clock_.wall())};
    }
    [[nodiscard]] std::vector<EnrolmentId> find_active_devices(const OfficerId& officer,
                                                               std::string_view app) const override {
        return view_.active_devices(officer, app, clock_.wall());
    }

private:
    const server::DirectoryView& view_;
    const Clock& clock_;
};

}  // namespace melder::relay
