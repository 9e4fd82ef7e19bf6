#pragma once
// The machine's side of /metrics: process, health, what ends, disks, store. Names and meaning: docs/METRICS.md.

#include "core/clock.hpp"
#include "server/stores/rocksdb/store_figures.hpp"
#include "server/watch/health_logic.hpp"
#include "server/watch/metric_page.hpp"

namespace melder::apps {

/// Reads /proc.
void add_process_metrics(server::MetricPage& page, UnixTime started);
void add_health_metrics(server::MetricPage& page, const server::Health& health, const server::HealthFacts& facts,
                        UnixTime now);
void add_store_metrics(server::MetricPage& page, const server::StoreCounters& counters,
                       const server::StoreFigures& figures);

}  // namespace melder::apps
