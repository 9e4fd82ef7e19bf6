#include "server/watch/health_logic.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::server {
namespace {

bool ends_soon(const std::optional<UnixTime>& end, UnixTime now) {
    return end && *end <= now + limits::ending_warning;
}

bool low(const DiskFact& disk) {
    return !disk.free_bytes || *disk.free_bytes < disk.least_bytes;
}

}  // namespace

std::string_view name_of(HealthReason reason) noexcept {
    switch (reason) {
        case HealthReason::not_serving:
            return "not_serving";
        case HealthReason::trust_list_ends:
            return "trust_list_ends";
        case HealthReason::grants_end:
            return "grants_end";
        case HealthReason::tls_ends:
            return "tls_ends";
        case HealthReason::data_disk_low:
            return "data_disk_low";
        case HealthReason::order_log_copy_disk_low:
            return "order_log_copy_disk_low";
        case HealthReason::order_log_copy_unwritable:
            return "order_log_copy_unwritable";
        case HealthReason::restored_store:
            return "restored_store";
    }
    return "unknown";
}

bool Health::serving() const noexcept {
    return std::ranges::find(reasons, HealthReason::not_serving) == reasons.end();
}

std::string Health::json() const {
    std::string text = R"({"status":")";
    text += !serving() ? "unavailable" : reasons.empty() ? "ready" : "degraded";
    text += R"(","reasons":[)";
    std::string_view separator;
    for (const auto reason : reasons) {
        text += separator;
        text += '"';
        text += name_of(reason);
        text += '"';
        separator = ",";
    }
    return text + "]}";
}

Health judge_health(const HealthFacts& facts, UnixTime now) {
    Health health;
    const auto note = [&](bool holds, HealthReason reason) {
        if (holds) health.reasons.push_back(reason);
    };
    note(!facts.serving, HealthReason::not_serving);
    note(ends_soon(facts.trust_list_ends, now), HealthReason::trust_list_ends);
    note(ends_soon(facts.first_grant_ends, now), HealthReason::grants_end);
    note(ends_soon(facts.tls_ends, now), HealthReason::tls_ends);
    note(low(facts.data_directory), HealthReason::data_disk_low);
    note(low(facts.order_log_copy), HealthReason::order_log_copy_disk_low);
    note(!facts.order_log_copy_writable, HealthReason::order_log_copy_unwritable);
    note(facts.restored_store, HealthReason::restored_store);
    return health;
}

}  // namespace melder::server
