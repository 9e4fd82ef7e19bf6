#pragma once
// Waiting at a terminal: every wait ends with its deadline or with Ctrl-C, whichever comes first.

#include <chrono>
#include <optional>
#include <string>

#include "melder/account.hpp"

namespace melder::apps {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  ///< unset: never
[[nodiscard]] Deadline in(std::chrono::seconds time);

/// From now on SIGINT, SIGTERM and SIGHUP end waits instead of the process, so that the vault is closed properly.
void catch_interrupts();
[[nodiscard]] bool interrupted() noexcept;
/// Readable from the first interrupt on; -1 before `catch_interrupts`.
[[nodiscard]] int interrupt_descriptor() noexcept;

/// `deadline_exceeded`, or `cancelled` after an interrupt.
[[nodiscard]] Result<sdk::Event> next_event(sdk::Account& account, Deadline deadline);
/// Connects and waits until the server accepts or refuses this device.
[[nodiscard]] Result<void> go_online(sdk::Account& account, Deadline deadline);
/// After `restricted`: what the account says about its own device within two seconds, else `not_allowed`.
[[nodiscard]] Error why_restricted(sdk::Account& account);
/// A service number or an officer id in hex, looked up and verified.
[[nodiscard]] Result<sdk::OfficerInfo> find_officer(sdk::Account& account, const std::string& who);

}  // namespace melder::apps
