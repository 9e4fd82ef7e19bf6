#include "tests/apps/scrape.hpp"

#include <fstream>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>

namespace melder::testing {
namespace {

std::string family_of(const Scrape& scrape, std::string name) {
    for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
        if (!name.ends_with(suffix)) continue;
        const auto base = name.substr(0, name.size() - suffix.size());
        const auto found = scrape.types.find(base);
        if (found != scrape.types.end() && found->second == "histogram") return base;
    }
    return name;
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

double Scrape::value(const std::string& sample) const {
    const auto found = samples.find(sample);
    return found == samples.end() ? -1 : found->second;
}

Scrape parse_scrape(const std::string& text) {
    Scrape scrape;
    std::istringstream in(text);
    const std::regex type(R"(# TYPE (\S+) (\S+))");
    const std::regex sample(R"(([a-z_]+)(\{(.*)\})? (\S+))");
    const std::regex label(R"re(([a-z_]+)="([^"]*)")re");
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (std::regex_match(line, match, type)) {
            EXPECT_TRUE(scrape.types.emplace(match[1], match[2]).second) << "twice: " << line;
            scrape.labels[match[1]];
        } else if (line.starts_with('#')) {
            EXPECT_TRUE(line.starts_with("# HELP ")) << line;
        } else if (std::regex_match(line, match, sample)) {
            scrape.samples[match[1].str() + match[2].str()] = std::stod(match[4]);
            const auto family = family_of(scrape, match[1]);
            EXPECT_TRUE(scrape.types.contains(family)) << line;
            const auto labels = match[3].str();
            for (std::sregex_iterator it(labels.begin(), labels.end(), label), end; it != end; ++it) {
                if ((*it)[1] == "le") continue;
                scrape.labels[family].insert((*it)[1]);
                scrape.label_values.insert((*it)[2]);
            }
        } else {
            ADD_FAILURE() << "no line of the text format: " << line;
        }
    }
    return scrape;
}

std::map<std::string, DocumentedMetric> documented_metrics() {
    std::map<std::string, DocumentedMetric> out;
    std::istringstream in(read_file(std::filesystem::path(MELDER_SOURCE_DIR) / "docs/METRICS.md"));
    const std::regex row(R"(\| `([a-z_]+)` \| (counter|gauge|histogram) \|([^|]*)\| .+ \|)");
    const std::regex label("`([a-z_]+)`");
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (!std::regex_match(line, match, row)) continue;
        auto& one = out[match[1]];
        one.type = match[2];
        const auto labels = match[3].str();
        for (std::sregex_iterator it(labels.begin(), labels.end(), label), end; it != end; ++it)
            one.labels.insert((*it)[1]);
    }
    return out;
}

std::set<std::string> metrics_in(const std::string& query) {
    static const auto rows = documented_metrics();
    static const std::regex metric("\\b(melder|process)_[a-z_]+");
    std::set<std::string> names;
    for (std::sregex_iterator it(query.begin(), query.end(), metric), end; it != end; ++it) {
        auto name = it->str();
        for (const std::string suffix : {"_bucket", "_count", "_sum"}) {
            const auto base = name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
            const auto row = rows.find(base);
            if (base != name && row != rows.end() && row->second.type == "histogram") name = base;
        }
        EXPECT_TRUE(rows.contains(name)) << name << " in " << query;
        names.insert(name);
    }
    return names;
}

}  // namespace melder::testing
