#pragma once
// `device show`, `device aside`: what the help desk sees of a device. No peers, no content.

#include <ostream>
#include <string>

#include "apps/melder-admin/commands.hpp"

namespace melder::admin {

/// State, last day seen, version, prekeys left, what waits in each lane since when, the last refusals.
/// The eight characters that a device's owner reads out.
[[nodiscard]] Result<void> explain_code(const std::string& code, bool json, std::ostream& out);
[[nodiscard]] Result<void> show_device(Session& session, const std::string& device, std::ostream& out);

struct AsideOptions {
    std::string device;
    bool release = false;
    std::vector<std::string> envelopes;  ///< only these; empty: all
};
/// Lists what the device refused three times; with `release` it is delivered again.
[[nodiscard]] Result<void> show_aside(Session& session, const AsideOptions& options, std::ostream& out);

}  // namespace melder::admin
