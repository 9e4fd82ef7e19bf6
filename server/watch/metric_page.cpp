#include "server/watch/metric_page.hpp"

#include <limits>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace melder::server {
namespace {

prometheus::ClientMetric labelled(MetricPage::Labels labels) {
    prometheus::ClientMetric metric;
    for (const auto& label : labels)
        metric.label.push_back({std::string(label.name), label.value});
    return metric;
}

}  // namespace

struct MetricPage::Families {
    std::vector<prometheus::MetricFamily> all;
    std::size_t begin(std::string_view name, std::string_view help, prometheus::MetricType type) {
        all.push_back({std::string(name), std::string(help), type, {}});
        return all.size() - 1;
    }
};

MetricPage::MetricPage() : families_(std::make_unique<Families>()) {}
MetricPage::~MetricPage() = default;

MetricPage::Family MetricPage::counter(std::string_view name, std::string_view help) {
    return {*this, families_->begin(name, help, prometheus::MetricType::Counter)};
}
MetricPage::Family MetricPage::gauge(std::string_view name, std::string_view help) {
    return {*this, families_->begin(name, help, prometheus::MetricType::Gauge)};
}
MetricPage::Family MetricPage::histogram(std::string_view name, std::string_view help) {
    return {*this, families_->begin(name, help, prometheus::MetricType::Histogram)};
}

void MetricPage::Family::add(Labels labels, double value) {
    auto metric = labelled(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    page_.families_->all[index_].metric.push_back(std::move(metric));
}

void MetricPage::Family::add(Labels labels, const LatencyHistogram::Snapshot& histogram) {
    auto metric = labelled(labels);
    auto& out = metric.histogram;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
        out.sample_count += histogram.counts[i];
        const bool last = i == LatencyHistogram::bounds_s.size();
        out.bucket.push_back(
            {out.sample_count, last ? std::numeric_limits<double>::infinity() : LatencyHistogram::bounds_s[i]});
    }
    out.sample_sum = histogram.total_s;
    page_.families_->all[index_].metric.push_back(std::move(metric));
}

std::string MetricPage::text() const {
    return prometheus::TextSerializer().Serialize(families_->all);
}

}  // namespace melder::server
