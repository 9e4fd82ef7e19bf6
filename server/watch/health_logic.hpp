#pragma once
// Whether a server is well: a rule over facts that somebody else gathered. No clock, no file, no thread.
//
//     const auto health = judge_health(facts, clock.wall());
//     respond(health.http_status(), health.json());
//
// A degraded server still serves and says 200: a load balancer that took it out because a certificate ends in 59 days
// would turn a warning into an outage. 503 means that no new connection should be sent here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"

namespace melder::server {

/// Free and least wanted bytes of one file system. `free_bytes` is empty when it could not be read.
struct DiskFact {
    std::optional<std::uint64_t> free_bytes;
    std::uint64_t least_bytes = 0;
};

struct HealthFacts {
    bool serving = false;  ///< the link accepts connections; false while starting and stopping
    std::optional<UnixTime> trust_list_ends;
    std::optional<UnixTime> first_grant_ends;  ///< of all grants in force, the first to end; empty: there is none
    std::optional<UnixTime> tls_ends;          ///< of the certificate in use
    DiskFact data_directory;
    DiskFact order_log_copy;
    bool order_log_copy_writable = false;
    bool restored_store = false;  ///< started from a backup, and not yet past it
};

enum class HealthReason : std::uint8_t {
    not_serving,
    trust_list_ends,
    grants_end,
    tls_ends,
    data_disk_low,
    order_log_copy_disk_low,
    order_log_copy_unwritable,
    restored_store,
};
/// The word in the JSON, the same as the enumerator.
[[nodiscard]] std::string_view name_of(HealthReason reason) noexcept;

struct Health {
    std::vector<HealthReason> reasons;  ///< in the enumeration's order, each once

    [[nodiscard]] bool serving() const noexcept;
    /// 200 if serving, degraded or not; 503 otherwise.
    [[nodiscard]] unsigned http_status() const noexcept { return serving() ? 200 : 503; }
    /// {"status":"ready","reasons":[]}; status is "ready", "degraded" or "unavailable".
    [[nodiscard]] std::string json() const;
};

/// An end counts from limits::ending_warning before it, that moment included. A disk counts when less than
/// `least_bytes` are free or when it cannot be read.
[[nodiscard]] Health judge_health(const HealthFacts& facts, UnixTime now);

}  // namespace melder::server
