#include "server/watch/health_logic.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"

namespace melder::server {
namespace {

const UnixTime now{1'800'000'000'000};

HealthFacts well() {
    const auto far = now + limits::ending_warning + Millis(1);
    return {.serving = true,
            .trust_list_ends = far,
            .first_grant_ends = far,
            .tls_ends = far,
            .data_directory = {.free_bytes = 100, .least_bytes = 100},
            .order_log_copy = {.free_bytes = 100, .least_bytes = 100},
            .order_log_copy_writable = true,
            .restored_store = false};
}

void expect_degraded(const HealthFacts& facts, HealthReason reason) {
    const auto health = judge_health(facts, now);
    ASSERT_EQ(health.reasons, std::vector{reason});
    EXPECT_EQ(health.http_status(), 200U);
    EXPECT_EQ(health.json(), R"({"status":"degraded","reasons":[")" + std::string(name_of(reason)) + R"("]})");
}

TEST(Health, a_server_that_lacks_nothing_is_ready) {
    const auto health = judge_health(well(), now);
    EXPECT_EQ(health.http_status(), 200U);
    EXPECT_EQ(health.json(), R"({"status":"ready","reasons":[]})");
}

TEST(Health, each_end_degrades_from_its_warning_on_and_after_it) {
    for (const auto end : {now + limits::ending_warning, now, UnixTime{0}}) {
        auto facts = well();
        facts.trust_list_ends = end;
        expect_degraded(facts, HealthReason::trust_list_ends);
        facts = well();
        facts.first_grant_ends = end;
        expect_degraded(facts, HealthReason::grants_end);
        facts = well();
        facts.tls_ends = end;
        expect_degraded(facts, HealthReason::tls_ends);
    }
}

TEST(Health, a_server_without_grants_has_none_that_end) {
    auto facts = well();
    facts.first_grant_ends.reset();
    EXPECT_TRUE(judge_health(facts, now).reasons.empty());
}

TEST(Health, a_disk_with_too_little_room_or_that_cannot_be_read_degrades) {
    for (const auto free : {std::optional<std::uint64_t>{99}, std::optional<std::uint64_t>{}}) {
        auto facts = well();
        facts.data_directory.free_bytes = free;
        expect_degraded(facts, HealthReason::data_disk_low);
        facts = well();
        facts.order_log_copy.free_bytes = free;
        expect_degraded(facts, HealthReason::order_log_copy_disk_low);
    }
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
    EXPECT_EQ(health.json(), R"({"status":"unavailable","reasons":["not_serving","restored_store"]})");
}

}  // namespace
}  // namespace melder::server
