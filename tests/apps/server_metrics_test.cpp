// Which counter stands behind which sample: every counter gets a number of its own, in two cores, and the pages are
// compared line by line.

#include <sstream>

#include <gtest/gtest.h>

#include "apps/melder-server/machine_metrics.hpp"
#include "apps/melder-server/service_metrics.hpp"
#include "core/limits.hpp"

namespace melder::apps {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> samples_of(const server::MetricPage& page) {
    std::vector<std::string> out;
    std::istringstream in(page.text());
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with('#') && line.find("_bucket{") == std::string::npos) out.push_back(line);
    }
    return out;
}
using Lines = std::vector<std::string>;

TEST(ServerMetrics, each_counter_of_the_link_stands_behind_its_own_sample_added_up_over_the_cores) {
    server::CoreCounters first;
    server::CoreCounters second;
    std::uint64_t next = 0;
#define MELDER_SET(name)    \
    first.name.set(++next); \
    second.name.set(1000 * next);
    MELDER_LINK_COUNTER_TABLE(MELDER_SET)
#undef MELDER_SET
    first.login_refusals.add(Errc::busy, 5);
    second.login_refusals.add(Errc::unknown_code, 6);
    second.login_refusals.add(Errc::busy, 7);
    first.last_tick_ms.set(10'000);
    LinkFigures figures{
        .cores = {&first, &second}, .outbox_bytes = 77, .now = std::chrono::steady_clock::time_point(10'250ms)};
    server::MetricPage page;
    add_link_metrics(page, figures);
    EXPECT_EQ(samples_of(page), (Lines{
                                    "melder_link_connections{core=\"0\"} 4",
                                    "melder_link_connections{core=\"1\"} 4000",
                                    "melder_link_sessions{core=\"0\"} 5",
                                    "melder_link_sessions{core=\"1\"} 5000",
                                    "melder_link_loop_silent_seconds{core=\"0\"} 0.25",
                                    "melder_link_accepted_total 1001",
                                    "melder_link_accept_failures_total 2002",
                                    "melder_link_not_admitted_total 3003",
                                    "melder_link_handshakes_total{result=\"done\"} 6006",
                                    "melder_link_handshakes_total{result=\"failed\"} 7007",
                                    "melder_link_logins_total{kind=\"device\"} 8008",
                                    "melder_link_logins_total{kind=\"restricted\"} 9009",
                                    "melder_link_logins_total{kind=\"admin\"} 10010",
                                    "melder_link_logins_total{kind=\"enrolment\"} 11011",
                                    "melder_link_login_refusals_total{code=\"unknown_code\"} 6",
                                    "melder_link_login_refusals_total{code=\"busy\"} 12",
                                    "melder_link_closed_total{reason=\"not_admitted\"} 3003",
                                    "melder_link_closed_total{reason=\"deadline\"} 13013",
                                    "melder_link_closed_total{reason=\"silent\"} 14014",
                                    "melder_link_closed_total{reason=\"replaced\"} 15015",
                                    "melder_link_closed_total{reason=\"protocol_error\"} 16016",
                                    "melder_link_frames_total{direction=\"in\"} 19019",
                                    "melder_link_frames_total{direction=\"out\"} 20020",
                                    "melder_link_messages_total{direction=\"in\"} 21021",
                                    "melder_link_messages_total{direction=\"out\"} 22022",
                                    "melder_link_refused_frames_total 17017",
                                    "melder_link_outbox_refusals_total 18018",
                                    "melder_link_reads_paused_total 23023",
                                    "melder_link_outbox_bytes 77",
                                    "melder_link_outbox_limit_bytes " + std::to_string(limits::process_outbox_bytes),
                                }));
}

TEST(ServerMetrics, each_counter_of_the_relay_stands_behind_its_own_sample) {
    relay::RelayCounters first;
    relay::RelayCounters second;
    using Lane = relay::LaneCounters;
    constexpr server::Counter Lane::* counters[] = {&Lane::submitted,   &Lane::forwarded,     &Lane::acknowledged,
                                                    &Lane::received,    &Lane::deferred,      &Lane::refused,
                                                    &Lane::moved_aside, &Lane::expired_unread};
    const std::string names[] = {"submitted", "forwarded", "acknowledged", "received",
                                 "deferred",  "refused",   "moved_aside",  "expired_unread"};
    const std::string lanes[] = {"urgent", "keys", "normal", "receipt", "transient"};
    const std::string outcomes[] = {"stored", "duplicate", "conflict", "quota", "no_room", "unknown"};
    const auto place = [&](const std::string& name) {
        for (const auto lane : {melder::Lane::urgent, melder::Lane::keys, melder::Lane::normal, melder::Lane::receipt,
                                melder::Lane::transient}) {
            if (name_of(lane) == name) return static_cast<std::size_t>(lane);
        }
        return std::size_t{99};
    };
    Lines expected;
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < std::size(counters); ++i) {
        for (const auto& lane : lanes) {
            (first.lanes.at(place(lane)).*counters[i]).set(++next);
            (second.lanes.at(place(lane)).*counters[i]).set(1000);
            expected.push_back("melder_relay_" + names[i] + "_total{lane=\"" + lane + "\"} " +
                               std::to_string(1000 + next));
        }
    }
    for (const auto& lane : lanes) {
        for (std::size_t outcome = 0; outcome < std::size(outcomes); ++outcome) {
            first.lanes.at(place(lane)).puts.at(outcome).set(++next);
            expected.push_back("melder_relay_puts_total{lane=\"" + lane + "\",outcome=\"" + outcomes[outcome] + "\"} " +
                               std::to_string(next));
        }
    }
    first.sender_refusals.add(Errc::unknown_device, 501);
    second.device_refusals.add(Errc::undecryptable, 502);
    first.submit.observe(1s);
    second.submit.observe(2s);
    second.drain.observe(5s);
    first.list_failures.set(503);
    second.unanswered.set(504);
    first.devices.set(505);
    for (const auto* line :
         {"melder_relay_sender_refusals_total{code=\"unknown_device\"} 501",
          "melder_relay_device_refusals_total{code=\"undecryptable\"} 502", "melder_relay_submit_seconds_count 2",
          "melder_relay_submit_seconds_sum 3", "melder_relay_drain_seconds_count 1", "melder_relay_drain_seconds_sum 5",
          "melder_relay_list_failures_total 503", "melder_relay_submits_unanswered 504", "melder_relay_devices 505"})
        expected.emplace_back(line);
    server::MetricPage page;
    add_relay_metrics(page, {&first, &second});
    EXPECT_EQ(samples_of(page), expected);
}

TEST(ServerMetrics, each_counter_of_the_keyserver_stands_behind_its_own_sample) {
    keyserver::KeyserverCounters first;
    keyserver::KeyserverCounters second;
    Lines expected;
    for (std::size_t i = 0; i < std::size(keyserver::request_kinds); ++i) {
        first.requests.at(i).set(i + 1);
        second.requests.at(i).set(100);
        expected.push_back("melder_keyserver_requests_total{request=\"" +
                           std::string(keyserver::request_kinds[i].name) + "\"} " + std::to_string(101 + i));
    }
    second.request.observe(3s);
    first.refusals.add(Errc::no_prekeys, 201);
    first.one_time_taken.set(202);
    second.signed_only.set(203);
    first.grants.set(204);
    second.orders.set(205);
    for (const auto* line :
         {"melder_keyserver_request_seconds_count 1", "melder_keyserver_request_seconds_sum 3",
          "melder_keyserver_requests_waiting 206", "melder_keyserver_refusals_total{code=\"no_prekeys\"} 201",
          "melder_keyserver_prekeys_taken_total{kind=\"one_time\"} 202",
          "melder_keyserver_prekeys_taken_total{kind=\"signed_only\"} 203", "melder_keyserver_grants_total 204",
          "melder_keyserver_orders_total 205"})
        expected.emplace_back(line);
    server::MetricPage page;
    add_keyserver_metrics(page, {&first, &second}, 206);
    EXPECT_EQ(samples_of(page), expected);
}

TEST(ServerMetrics, the_directory_tells_what_it_knows_and_leaves_out_what_it_does_not) {
    const UnixTime now{1'800'000'000'000};
    Statement statement;
    statement.log_size = 301;
    statement.time = now - Millis(1500);
    DirectoryFigures figures{.devices = {.active = 302,
                                         .waiting = 303,
                                         .revoked = 304,
                                         .first_grant_ends = now + std::chrono::hours(36),
                                         .grants_end = std::nullopt},
                             .feed_age = Millis(2500),
                             .trust_list_version = 305,
                             .statement = statement,
                             .now = now};
    server::MetricPage page;
    add_directory_metrics(page, figures);
    const Lines devices{"melder_directory_devices{state=\"active\"} 302",
                        "melder_directory_devices{state=\"waiting\"} 303",
                        "melder_directory_devices{state=\"revoked\"} 304"};
    EXPECT_EQ(samples_of(page),
              (Lines{"melder_directory_feed_age_seconds 2.5", devices[0], devices[1], devices[2],
                     "melder_directory_first_grant_ends_days 1.5", "melder_directory_trust_list_version 305",
                     "melder_directory_order_log_entries 301", "melder_directory_statement_age_seconds 1.5"}));

    figures.devices.first_grant_ends.reset();
    figures.feed_age.reset();
    figures.statement.reset();
    server::MetricPage bare;
    add_directory_metrics(bare, figures);
    EXPECT_EQ(samples_of(bare), (Lines{devices[0], devices[1], devices[2], "melder_directory_trust_list_version 305"}));
}

TEST(ServerMetrics, each_figure_of_the_store_stands_behind_its_own_sample) {
    server::StoreCounters counters;
    counters.commit.observe(4s);
    counters.writes.set(401);
    counters.failures.set(402);
    server::StoreFigures figures;
    figures.wal_bytes = 403;
    figures.compactions = 404;
    figures.write_stopped = true;
    figures.background_errors = 405;
    figures.families = {{"mailbox", 406, 407, 408, 409, true}, {"directory", 411, 412, 413, 414, false}};
    server::MetricPage page;
    add_store_metrics(page, counters, figures);
    EXPECT_EQ(samples_of(page), (Lines{
                                    "melder_store_commit_seconds_count 1",
                                    "melder_store_commit_seconds_sum 4",
                                    "melder_store_writes_total 401",
                                    "melder_store_commit_failures_total 402",
                                    "melder_store_wal_bytes 403",
                                    "melder_store_compactions_running 404",
                                    "melder_store_write_stopped 1",
                                    "melder_store_background_errors_total 405",
                                    "melder_store_sst_bytes{family=\"mailbox\"} 406",
                                    "melder_store_sst_bytes{family=\"directory\"} 411",
                                    "melder_store_memtable_bytes{family=\"mailbox\"} 407",
                                    "melder_store_memtable_bytes{family=\"directory\"} 412",
                                    "melder_store_rows{family=\"mailbox\"} 408",
                                    "melder_store_rows{family=\"directory\"} 413",
                                    "melder_store_compaction_pending{family=\"mailbox\"} 1",
                                    "melder_store_compaction_pending{family=\"directory\"} 0",
                                    "melder_store_compaction_pending_bytes{family=\"mailbox\"} 409",
                                    "melder_store_compaction_pending_bytes{family=\"directory\"} 414",
                                }));
}

TEST(ServerMetrics, health_is_told_reason_by_reason_with_what_ends_and_what_is_free) {
    const UnixTime now{1'800'000'000'000};
    server::HealthFacts facts;
    facts.trust_list_ends = now + std::chrono::hours(36);
    facts.grants_end = now - std::chrono::hours(12);
    facts.tls_ends = now + std::chrono::hours(24 * 365);
    facts.data_directory = {501, 1000};
    facts.order_log_copy = {502, 1};
    facts.order_log_copy_writable = facts.directory_fresh = true;
    server::MetricPage page;
    add_health_metrics(page, judge_health(facts, now), facts, now);
    Lines expected{"melder_serving 0"};
    for (const auto reason : server::health_reasons) {
        const auto name = std::string(name_of(reason));
        const bool holds =
            name == "not_serving" || name == "trust_list_ends" || name == "grants_end" || name == "data_disk_low";
        expected.push_back("melder_health_reason{reason=\"" + name + (holds ? "\"} 1" : "\"} 0"));
    }
    for (const auto* line :
         {"melder_days_until_end{what=\"trust_list\"} 1.5", "melder_days_until_end{what=\"grants\"} -0.5",
          "melder_days_until_end{what=\"tls\"} 365", "melder_disk_free_bytes{place=\"data\"} 501",
          "melder_disk_free_bytes{place=\"order_log_copy\"} 502"})
        expected.emplace_back(line);
    EXPECT_EQ(samples_of(page), expected);

    facts.serving = true;
    facts.tls_ends.reset();
    facts.data_directory.free_bytes.reset();
    server::MetricPage serving;
    add_health_metrics(serving, judge_health(facts, now), facts, now);
    const auto text = serving.text();
    EXPECT_NE(text.find("melder_serving 1\n"), std::string::npos);
    EXPECT_EQ(text.find("what=\"tls\""), std::string::npos);
    EXPECT_EQ(text.find("place=\"data\""), std::string::npos);
}

}  // namespace
}  // namespace melder::apps
