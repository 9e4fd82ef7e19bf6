#pragma once
// The services' side of /metrics: link, relay, keyserver. Sums over the cores, except what shows one core apart. Names
// and meaning: docs/METRICS.md.

#include <vector>

#include "keyserver/keyserver_core.hpp"
#include "relay/relay.hpp"
#include "server/link/link_server.hpp"
#include "server/watch/metric_page.hpp"

namespace melder::apps {

void add_link_metrics(server::MetricPage& page, const server::LinkServer& link, std::size_t cores);
void add_relay_metrics(server::MetricPage& page, const std::vector<const relay::RelayCounters*>& cores);
void add_keyserver_metrics(server::MetricPage& page, const std::vector<const keyserver::KeyserverCounters*>& cores,
                           std::size_t waiting);
/// `view` and `trust_list_version` as the keyserver has them.
void add_directory_metrics(server::MetricPage& page, const server::DirectoryView& view,
                           const server::DirectoryView::Counts& counts, const keyserver::Keyserver& keyserver,
                           UnixTime now);

}  // namespace melder::apps
