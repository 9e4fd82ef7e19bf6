#include "server/watch/metric_page.hpp"

#include <gtest/gtest.h>

namespace melder::server {
namespace {

using namespace std::chrono_literals;

TEST(MetricPage, families_are_written_with_help_type_labels_and_values) {
    MetricPage page;
    auto lanes = page.counter("melder_a_total", "Envelopes.");
    lanes.add({{"lane", "urgent"}}, 3);
    lanes.add({{"lane", "normal"}}, 0);
    page.gauge("melder_b", "Nothing yet.");
    const auto text = page.text();
    EXPECT_NE(text.find("# HELP melder_a_total Envelopes.\n# TYPE melder_a_total counter\n"), std::string::npos)
        << text;
    EXPECT_NE(text.find("melder_a_total{lane=\"urgent\"} 3\n"), std::string::npos) << text;
    EXPECT_NE(text.find("melder_a_total{lane=\"normal\"} 0\n"), std::string::npos) << text;
    EXPECT_NE(text.find("# TYPE melder_b gauge\n"), std::string::npos) << text;
}

TEST(MetricPage, a_large_count_keeps_every_digit) {
    MetricPage page;
    page.counter("melder_a_total", "Bytes.").add({}, 9'007'199'254'740'991.0);
    EXPECT_NE(page.text().find("melder_a_total 9007199254740991\n"), std::string::npos) << page.text();
}

TEST(MetricPage, a_histogram_is_cumulative_and_ends_with_everything) {
    LatencyHistogram first;
    LatencyHistogram second;
    first.observe(1ms);  // the bound belongs to its bucket
    first.observe(1100us);
    second.observe(1h);
    second.observe(0s);
    LatencyHistogram::Snapshot sum;
    first.add_to(sum);
    second.add_to(sum);
    MetricPage page;
    page.histogram("melder_h_seconds", "How long.").add({}, sum);
    const auto text = page.text();
    EXPECT_NE(text.find("melder_h_seconds_count 4\n"), std::string::npos) << text;
    EXPECT_NE(text.find("melder_h_seconds_sum 3600.0021"), std::string::npos) << text;
    EXPECT_NE(text.find("melder_h_seconds_bucket{le=\"0.00025\"} 1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("melder_h_seconds_bucket{le=\"0.001\"} 2\n"), std::string::npos) << text;
    EXPECT_NE(text.find("melder_h_seconds_bucket{le=\"0.0025\"} 3\n"), std::string::npos) << text;
    EXPECT_NE(text.find("melder_h_seconds_bucket{le=\"10\"} 3\n"), std::string::npos) << text;
    EXPECT_NE(text.find("melder_h_seconds_bucket{le=\"+Inf\"} 4\n"), std::string::npos) << text;
}

TEST(CodeCounters, each_code_has_a_counter_of_its_own) {
    CodeCounters codes;
    codes.add(Errc::malformed);
    codes.add(Errc::internal, 2);
    EXPECT_EQ(codes.value(Errc::malformed), 1U);
    EXPECT_EQ(codes.value(Errc::internal), 2U);
    EXPECT_EQ(codes.value(Errc::out_of_memory), 0U);
    codes.add(static_cast<Errc>(65'000));  // beyond the table: the last one, not the memory behind it
    EXPECT_EQ(codes.value(Errc::internal), 3U);
}

}  // namespace
}  // namespace melder::server
