#pragma once
// `grant show`, `grant renew`, `grant set`: what a device's certificate says, and its next version.

#include <ostream>
#include <string>
#include <vector>

#include "apps/melder-admin/commands.hpp"

namespace melder::admin {

struct GrantOptions {
    std::vector<std::string> devices;
    std::string officer;  ///< instead: every device in service of this service number
    std::string ending;   ///< instead: every active device whose grant ends within this time
    std::string valid;    ///< from now on
    std::string name, number, unit, role;
    std::string reason;
    std::string sign_request;
    const Ed25519Seed* second_key = nullptr;
};
[[nodiscard]] Result<void> show_grant(Session& session, const std::string& device, std::ostream& out);
/// A later end, nothing else.
[[nodiscard]] Result<void> renew_grants(Session& session, const GrantOptions& options, std::ostream& out);
/// Name, service number, unit, role or end of one device's grant.
[[nodiscard]] Result<void> set_grant(Session& session, const GrantOptions& options, std::ostream& out);

}  // namespace melder::admin
