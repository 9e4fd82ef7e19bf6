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
    /// When limits::grants_in_bulk_percent of the grants in force will have ended; empty: there is none. A single
    /// officer's end is an everyday matter, a roll-out's is not.
    std::optional<UnixTime> grants_end;
    std::optional<UnixTime> tls_ends;  ///< of the certificate in use
    bool tls_pinned = true;            ///< the trust list pins its key
    DiskFact data_directory;
    DiskFact order_log_copy;
    bool order_log_copy_writable = false;
    bool restored_store = false;   ///< this start took over a backup, or what phones hold proves that it should have
    bool store_failing = false;    ///< its last write failed
    bool directory_fresh = false;  ///< else nobody is let in: the directory's feed has fallen silent
    bool reload_failed = false;  ///< what SIGHUP should have taken over does not count: the next start may fail over it
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
    store_failing,
    directory_stale,
    tls_not_pinned,
    reload_failed,
};
inline constexpr HealthReason health_reasons[] = {
    HealthReason::not_serving,
    HealthReason::trust_list_ends,
    HealthReason::grants_end,
    HealthReason::tls_ends,
    HealthReason::data_disk_low,
    HealthReason::order_log_copy_disk_low,
    HealthReason::order_log_copy_unwritable,
    HealthReason::restored_store,
    HealthReason::store_failing,
    HealthReason::directory_stale,
    HealthReason::tls_not_pinned,
    HealthReason::reload_failed,
};
/// The word in the JSON, the same as the enumerator.
[[nodiscard]] std::string_view name_of(HealthReason reason) noexcept;

/// What ends, and in how many days from now: begun days do not count, past ones are negative.
struct HealthEnding {
    std::string_view what;  ///< "trust_list", "grants" or "tls"
    std::int64_t days = 0;
};

struct Health {
    std::vector<HealthReason> reasons;  ///< in the enumeration's order, each once
    std::vector<HealthEnding> endings;  ///< of what is known

    /// False with not_serving and with directory_stale: a new connection would be refused.
    [[nodiscard]] bool serving() const noexcept;
    [[nodiscard]] bool has(HealthReason reason) const noexcept;
    /// 200 if serving, degraded or not; 503 otherwise.
    [[nodiscard]] unsigned http_status() const noexcept { return serving() ? 200 : 503; }
    [[nodiscard]] std::string_view status() const noexcept;  ///< "ready", "degraded" or "unavailable"
    /// {"status":"ready","reasons":[],"ends_in_days":{"trust_list":364,"grants":364,"tls":36499}}
    [[nodiscard]] std::string json() const;
};

/// An end counts from limits::ending_warning before it, that moment included. A disk counts when less than
/// `least_bytes` are free or when it cannot be read.
[[nodiscard]] Health judge_health(const HealthFacts& facts, UnixTime now);

}  // namespace melder::server
