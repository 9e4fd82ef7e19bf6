#pragma once
// Devices of an officer, as they were known last: what a message needs to be written without a connection.

#include <vector>

#include "core/credential.hpp"
#include "core/order_log.hpp"
#include "sdk/vault/session_rows.hpp"

namespace melder::sdk {

[[nodiscard]] Result<void> remember_devices(VaultTransaction& transaction, const OfficerId& officer,
                                            const std::vector<Credential>& devices);
/// Those that are in service still.
[[nodiscard]] Result<std::vector<Credential>> known_devices(const VaultTransaction& transaction,
                                                            const OfficerId& officer, const TrustList& trust,
                                                            const OrderBook& book);

}  // namespace melder::sdk
