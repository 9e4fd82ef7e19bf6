#pragma once
// The services' side of /metrics: link, relay, keyserver. Sums over the cores, except what shows one core apart. Names
// and meaning: docs/METRICS.md.

#include <chrono>
#include <optional>
#include <vector>

#include "core/statement.hpp"
#include "keyserver/counters.hpp"
#include "relay/counters.hpp"
#include "server/directory_view.hpp"
#include "server/link/counters.hpp"
#include "server/watch/metric_page.hpp"

namespace melder::apps {

struct LinkFigures {
    std::vector<const server::CoreCounters*> cores;
    std::uint64_t outbox_bytes = 0;
    std::chrono::steady_clock::time_point now;
};
void add_link_metrics(server::MetricPage& page, const LinkFigures& link);
void add_relay_metrics(server::MetricPage& page, const std::vector<const relay::RelayCounters*>& cores);
void add_keyserver_metrics(server::MetricPage& page, const std::vector<const keyserver::KeyserverCounters*>& cores,
                           std::size_t waiting);

struct DirectoryFigures {
    server::DirectoryView::Counts devices;
    std::optional<Millis> feed_age;
    std::uint64_t trust_list_version = 0;
    std::optional<Statement> statement;  ///< the newest
    UnixTime now;
};
void add_directory_metrics(server::MetricPage& page, const DirectoryFigures& directory);

}  // namespace melder::apps
