#include "apps/melder-server/machine_metrics.hpp"

#include "apps/melder-server/version.hpp"
#include "server/watch/system_facts.hpp"

namespace melder::apps {
namespace {

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

double days_from(UnixTime now, UnixTime end) {
    return static_cast<double>((end - now).count()) / 86'400'000.0;
}

}  // namespace

void add_process_metrics(server::MetricPage& page, UnixTime started) {
    page.gauge("melder_build_info", "Always 1; the label says which version runs.")
        .add({{"version", std::string(version_number)}}, 1);
    page.gauge("process_start_time_seconds", "Start of the process, seconds since 1970.")
        .add({}, static_cast<double>(started.ms) / 1000.0);
    page.counter("process_cpu_seconds_total", "Processor time of all threads.").add({}, server::cpu_seconds());
    auto resident = page.gauge("process_resident_memory_bytes", "Resident memory.");
    if (const auto bytes = server::resident_bytes()) resident.add({}, number(*bytes));
    auto open = page.gauge("process_open_fds", "Open file descriptors.");
    if (const auto count = server::open_descriptors()) open.add({}, number(*count));
    auto most = page.gauge("process_max_fds", "File descriptors that the process may hold.");
    if (const auto limit = server::descriptor_limit()) most.add({}, number(*limit));
}

void add_health_metrics(server::MetricPage& page, const server::Health& health, const server::HealthFacts& facts,
                        UnixTime now) {
    page.gauge("melder_serving", "1 if /health says 200, 0 if it says 503.").add({}, health.serving() ? 1 : 0);
    auto reasons = page.gauge("melder_health_reason", "1 for each reason that /health gives.");
    for (const auto reason : server::health_reasons)
        reasons.add({{"reason", std::string(name_of(reason))}}, health.has(reason) ? 1 : 0);
    auto ends = page.gauge("melder_days_until_end", "Days until something ends; negative afterwards.");
    const auto tell = [&](const char* what, const std::optional<UnixTime>& end) {
        if (end) ends.add({{"what", what}}, days_from(now, *end));
    };
    tell("trust_list", facts.trust_list_ends);
    tell("grants", facts.grants_end);
    tell("tls", facts.tls_ends);
    auto free = page.gauge("melder_disk_free_bytes", "Bytes that may still be written.");
    if (const auto bytes = facts.data_directory.free_bytes) free.add({{"place", "data"}}, number(*bytes));
    if (const auto bytes = facts.order_log_copy.free_bytes) free.add({{"place", "order_log_copy"}}, number(*bytes));
}

void add_store_metrics(server::MetricPage& page, const server::StoreCounters& counters,
                       const server::StoreFigures& figures) {
    server::LatencyHistogram::Snapshot commit;
    counters.commit.add_to(commit);
    page.histogram("melder_store_commit_seconds", "Writing one batch with its sync.").add({}, commit);
    page.counter("melder_store_writes_total", "Writes in those batches.").add({}, number(counters.writes.value()));
    page.counter("melder_store_commit_failures_total", "Batches that the store refused or did not answer.")
        .add({}, number(counters.failures.value()));
    page.gauge("melder_store_wal_bytes", "Write-ahead log files.").add({}, number(figures.wal_bytes));
    page.gauge("melder_store_compactions_running", "Compactions running now.").add({}, number(figures.compactions));
    page.gauge("melder_store_write_stopped", "1 while RocksDB takes no writes.").add({}, figures.write_stopped ? 1 : 0);
    page.counter("melder_store_background_errors_total", "Failed flushes and compactions since the start.")
        .add({}, number(figures.background_errors));
    auto sst = page.gauge("melder_store_sst_bytes", "Table files.");
    auto memtable = page.gauge("melder_store_memtable_bytes", "Written and not yet in table files.");
    auto rows = page.gauge("melder_store_rows", "Rows, by RocksDB's estimate.");
    auto pending = page.gauge("melder_store_compaction_pending", "1 if a compaction waits.");
    auto behind = page.gauge("melder_store_compaction_pending_bytes", "What compactions still have to rewrite.");
    for (const auto& family : figures.families) {
        const std::string name(family.name);
        sst.add({{"family", name}}, number(family.sst_bytes));
        memtable.add({{"family", name}}, number(family.memtable_bytes));
        rows.add({{"family", name}}, number(family.rows));
        pending.add({{"family", name}}, family.compaction_pending ? 1 : 0);
        behind.add({{"family", name}}, number(family.pending_bytes));
    }
}

}  // namespace melder::apps
