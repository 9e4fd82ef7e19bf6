#pragma once
// One answer to a scrape: families of metrics, filled once and written in Prometheus' text format.
//
//     MetricPage page;
//     auto submitted = page.counter("melder_relay_submitted_total", "Envelopes …");
//     submitted.add({{"lane", "urgent"}}, 17);
//     page.counter("melder_keyserver_grants_total", "Grants accepted").add({}, 3);
//     respond(page.text());
//
// A family without a sample is written too, so that what a server may say can be seen before it has happened. Names and
// labels are for numbers, lanes, codes and cores: never for a person, a device or an address.

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "server/counter.hpp"

namespace melder::server {

struct MetricLabel {
    std::string_view name;
    std::string value;
};

class MetricPage {
public:
    MetricPage();
    ~MetricPage();
    MetricPage(const MetricPage&) = delete;
    MetricPage& operator=(const MetricPage&) = delete;

    using Labels = std::initializer_list<MetricLabel>;
    /// Valid as long as the page.
    class Family {
    public:
        void add(Labels labels, double value);
        void add(Labels labels, const LatencyHistogram::Snapshot& histogram);

    private:
        friend class MetricPage;
        Family(MetricPage& page, std::size_t index) : page_(page), index_(index) {}
        MetricPage& page_;
        std::size_t index_;
    };
    /// Each name once a page.
    Family counter(std::string_view name, std::string_view help);
    Family gauge(std::string_view name, std::string_view help);
    Family histogram(std::string_view name, std::string_view help);

    [[nodiscard]] std::string text() const;

private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace melder::server
