#include "server/watch/health_logic.hpp"

#include <set>

#include <gtest/gtest.h>

#include "core/limits.hpp"

namespace melder::server {
namespace {

const UnixTime now{1'800'000'000'000};

HealthFacts well() {
    const auto far = now + limits::ending_warning + Millis(1);
    return {.serving = true,
            .trust_list_ends = far,
            .grants_end = far,
            .tls_ends = far,
            .tls_pinned = true,
            .data_directory = {.free_bytes = 100, .least_bytes = 100},
            .order_log_copy = {.free_bytes = 100, .least_bytes = 100},
            .order_log_copy_writable = true,
            .restored_store = false,
            .store_failing = false,
            .directory_fresh = true};
}

void expect_degraded(const HealthFacts& facts, HealthReason reason) {
    const auto health = judge_health(facts, now);
    ASSERT_EQ(health.reasons, std::vector{reason});
    EXPECT_EQ(health.http_status(), 200U);
    EXPECT_EQ(health.status(), "degraded");
    EXPECT_NE(health.json().find(R"("reasons":[")" + std::string(name_of(reason)) + R"("])"), std::string::npos);
}

TEST(Health, a_server_that_lacks_nothing_is_ready) {
    const auto health = judge_health(well(), now);
    EXPECT_EQ(health.http_status(), 200U);
    EXPECT_EQ(health.json(),
              R"({"status":"ready","reasons":[],"ends_in_days":{"trust_list":60,"grants":60,"tls":60}})");
}

TEST(Health, each_end_degrades_from_its_warning_on_and_after_it) {
    for (const auto end : {now + limits::ending_warning, now, UnixTime{0}}) {
        auto facts = well();
        facts.trust_list_ends = end;
        expect_degraded(facts, HealthReason::trust_list_ends);
        facts = well();
        facts.grants_end = end;
        expect_degraded(facts, HealthReason::grants_end);
        facts = well();
        facts.tls_ends = end;
        expect_degraded(facts, HealthReason::tls_ends);
    }
}

TEST(Health, a_server_without_grants_has_none_that_end) {
    auto facts = well();
    facts.grants_end.reset();
    EXPECT_TRUE(judge_health(facts, now).reasons.empty());
}

TEST(Health, a_disk_with_too_little_room_or_that_cannot_be_read_degrades) {
    std::optional<std::uint64_t> unread = 1000;
    unread.reset();  // what was there once does not count
    for (const auto& free : {std::optional<std::uint64_t>{99}, unread}) {
        auto facts = well();
        facts.data_directory.free_bytes = free;
        expect_degraded(facts, HealthReason::data_disk_low);
        facts = well();
        facts.order_log_copy.free_bytes = free;
        expect_degraded(facts, HealthReason::order_log_copy_disk_low);
    }
}

TEST(Health, begun_days_do_not_count_and_past_ones_are_negative) {
    auto facts = well();
    facts.trust_list_ends = now + std::chrono::hours(24) - Millis(1);
    facts.grants_end = now - Millis(1);
    facts.tls_ends.reset();
    EXPECT_NE(judge_health(facts, now).json().find(R"("ends_in_days":{"trust_list":0,"grants":-1}})"),
              std::string::npos);
}

TEST(Health, a_failing_store_and_a_key_without_a_pin_degrade) {
    auto facts = well();
    facts.store_failing = true;
    expect_degraded(facts, HealthReason::store_failing);
    facts = well();
    facts.tls_pinned = false;
    expect_degraded(facts, HealthReason::tls_not_pinned);
}

TEST(Health, a_reload_that_failed_degrades) {
    auto facts = well();
    facts.reload_failed = true;
    expect_degraded(facts, HealthReason::reload_failed);
}

TEST(Health, a_silent_directory_feed_means_that_nobody_is_let_in) {
    auto facts = well();
    facts.directory_fresh = false;
    const auto health = judge_health(facts, now);
    EXPECT_EQ(health.http_status(), 503U);
    EXPECT_EQ(health.status(), "unavailable");
    EXPECT_EQ(health.reasons, std::vector{HealthReason::directory_stale});
}

TEST(Health, every_reason_is_listed_once_with_a_name_of_its_own) {
    std::set<std::string_view> names;
    for (const auto reason : health_reasons)
        names.insert(name_of(reason));
    EXPECT_EQ(names.size(), std::size(health_reasons));
    EXPECT_FALSE(names.contains("unknown"));
    HealthFacts facts;
    facts.trust_list_ends = facts.grants_end = facts.tls_ends = now;
    facts.tls_pinned = false;
    facts.restored_store = facts.store_failing = facts.reload_failed = true;
    facts.data_directory.least_bytes = facts.order_log_copy.least_bytes = 1;
    EXPECT_EQ(judge_health(facts, now).reasons, std::vector(std::begin(health_reasons), std::end(health_reasons)));
}

TEST(Health, an_unwritable_second_place_and_a_restored_store_degrade) {
    auto facts = well();
    facts.order_log_copy_writable = false;
    expect_degraded(facts, HealthReason::order_log_copy_unwritable);
    facts = well();
    facts.restored_store = true;
    expect_degraded(facts, HealthReason::restored_store);
}

TEST(Health, only_a_server_that_does_not_serve_answers_503_and_names_every_reason) {
    auto facts = well();
    facts.serving = false;
    facts.restored_store = true;
    const auto health = judge_health(facts, now);
    EXPECT_EQ(health.http_status(), 503U);
    EXPECT_NE(health.json().find(R"({"status":"unavailable","reasons":["not_serving","restored_store"])"),
              std::string::npos);
}

}  // namespace
}  // namespace melder::server
