#pragma once
// What a scrape of /metrics said, and what docs/METRICS.md says about it. What is wrong in either fails the test.

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace melder::testing {

[[nodiscard]] std::string read_file(const std::filesystem::path& file);

struct Scrape {
    std::map<std::string, std::string> types;             ///< of each family
    std::map<std::string, std::set<std::string>> labels;  ///< of each family, without `le`
    std::map<std::string, double> samples;                ///< by name and labels as written
    std::set<std::string> label_values;
    /// -1: there is no such sample.
    [[nodiscard]] double value(const std::string& sample) const;
};
[[nodiscard]] Scrape parse_scrape(const std::string& text);

struct DocumentedMetric {
    std::string type;
    std::set<std::string> labels;
};
/// The rows of the tables of metrics in docs/METRICS.md.
[[nodiscard]] std::map<std::string, DocumentedMetric> documented_metrics();

/// The families that a query in Prometheus' language names; fails the test over one that is not documented.
[[nodiscard]] std::set<std::string> metrics_in(const std::string& query);

}  // namespace melder::testing
