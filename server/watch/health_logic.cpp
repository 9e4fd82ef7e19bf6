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
        case HealthReason::store_failing:
            return "store_failing";
        case HealthReason::directory_stale:
            return "directory_stale";
        case HealthReason::tls_not_pinned:
            return "tls_not_pinned";
        case HealthReason::reload_failed:
            return "reload_failed";
    }
    return "unknown";
}

bool Health::has(HealthReason reason) const noexcept {
    return std::ranges::find(reasons, reason) != reasons.end();
}

bool Health::serving() const noexcept {
    return !has(HealthReason::not_serving) && !has(HealthReason::directory_stale);
}

std::string_view Health::status() const noexcept {
    return !serving() ? "unavailable" : reasons.empty() ? "ready" : "degraded";
}

std::string Health::json() const {
    std::string text = R"({"status":")";
    text += status();
    text += R"(","reasons":[)";
    std::string_view separator;
    for (const auto reason : reasons) {
        text += separator;
        text += '"';
        text += name_of(reason);
        text += '"';
        separator = ",";
    }
    text += R"(],"ends_in_days":{)";
    separator = "";
    for (const auto& ending : endings) {
        text += separator;
        text += '"';
        text += ending.what;
        text += "\":";
        text += std::to_string(ending.days);
        separator = ",";
    }
    return text + "}}";
}

Health judge_health(const HealthFacts& facts, UnixTime now) {
    Health health;
    const auto note = [&](bool holds, HealthReason reason) {
        if (holds) health.reasons.push_back(reason);
    };
    note(!facts.serving, HealthReason::not_serving);
    note(ends_soon(facts.trust_list_ends, now), HealthReason::trust_list_ends);
    note(ends_soon(facts.grants_end, now), HealthReason::grants_end);
    note(ends_soon(facts.tls_ends, now), HealthReason::tls_ends);
    note(low(facts.data_directory), HealthReason::data_disk_low);
    note(low(facts.order_log_copy), HealthReason::order_log_copy_disk_low);
    note(!facts.order_log_copy_writable, HealthReason::order_log_copy_unwritable);
    note(facts.restored_store, HealthReason::restored_store);
    note(facts.store_failing, HealthReason::store_failing);
    note(!facts.directory_fresh, HealthReason::directory_stale);
    note(!facts.tls_pinned, HealthReason::tls_not_pinned);
    note(facts.reload_failed, HealthReason::reload_failed);
    const auto tell = [&](std::string_view what, const std::optional<UnixTime>& end) {
        if (end) health.endings.push_back({what, std::chrono::floor<std::chrono::days>(*end - now).count()});
    };
    tell("trust_list", facts.trust_list_ends);
    tell("grants", facts.grants_end);
    tell("tls", facts.tls_ends);
    return health;
}

}  // namespace melder::server
