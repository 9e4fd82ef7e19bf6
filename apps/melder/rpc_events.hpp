#pragma once
// Events of the account as parameters of the notification `event`; docs/JSONRPC.md lists them.

#include <boost/json/object.hpp>

#include "melder/account.hpp"

namespace melder::apps {

[[nodiscard]] boost::json::object rpc_event(const sdk::Event& event);
[[nodiscard]] boost::json::object rpc_device(const sdk::PeerDevice& device);
[[nodiscard]] boost::json::object rpc_state(const sdk::AccountState& state);
[[nodiscard]] boost::json::object rpc_diagnostics(const sdk::Diagnostics& diagnostics);

}  // namespace melder::apps
