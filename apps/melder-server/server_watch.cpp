#include "apps/melder-server/server_watch.hpp"

#include <filesystem>

#include "apps/melder-server/machine_metrics.hpp"
#include "core/limits.hpp"
#include "server/watch/system_facts.hpp"

namespace melder::apps {

using server::WatchPage;

namespace {

LinkFigures link_figures(const WatchedServices& services) {
    LinkFigures figures{
        .cores = {}, .outbox_bytes = services.link.outbox_bytes(), .now = std::chrono::steady_clock::now()};
    for (std::size_t core = 0; core < services.relay_cores.size(); ++core)
        figures.cores.push_back(&services.link.core_counters(core));
    return figures;
}

DirectoryFigures directory_figures(const WatchedServices& services, const server::DirectoryView::Counts& counts,
                                   UnixTime now) {
    DirectoryFigures figures{.devices = counts,
                             .feed_age = services.view.feed_age(),
                             .trust_list_version = services.keyserver.trust()->version(),
                             .statement = std::nullopt,
                             .now = now};
    if (const auto newest = Statement::parse(services.keyserver.newest_statement().body); newest.has_value())
        figures.statement = *newest;
    return figures;
}

}  // namespace

ServerWatch::ServerWatch(WatchedMachine machine) : machine_(std::move(machine)), started_(machine_.clock.wall()) {}

Result<void> ServerWatch::listen(const server::LinkConfig::Endpoint& endpoint, server::Log& log) {
    MELDER_TRY(listener_, server::WatchListener::start(endpoint, [this](WatchPage page) { return answer(page); }, log));
    return ok();
}

std::uint16_t ServerWatch::port() const {
    return listener_ ? listener_->port() : 0;
}

void ServerWatch::on_started(WatchedServices services) {
    const std::lock_guard lock(mutex_);
    services_.emplace(std::move(services));
    counts_.emplace(services_->view, machine_.clock);
}

void ServerWatch::on_reload(bool succeeded) {
    const std::lock_guard lock(mutex_);
    reload_failed_ = !succeeded;
}

void ServerWatch::on_stopping() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
}

void ServerWatch::close() {
    listener_.reset();
}

server::WatchListener::Answer ServerWatch::answer(WatchPage page) {
    const std::lock_guard lock(mutex_);
    const auto now = machine_.clock.wall();
    const auto* counts = counts_ ? &counts_->recent() : nullptr;
    const auto facts = gather(counts);
    const auto health = judge_health(facts, now);
    if (page == WatchPage::health) return {health.http_status(), "application/json", health.json() + "\n"};

    server::MetricPage metrics;
    add_health_metrics(metrics, health, facts, now);
    add_process_metrics(metrics, started_);
    add_store_metrics(metrics, machine_.database.counters(), load_figures(machine_.database));
    if (services_) {
        add_link_metrics(metrics, link_figures(*services_));
        add_relay_metrics(metrics, services_->relay_cores);
        add_keyserver_metrics(metrics, services_->keyserver_cores, services_->lanes.waiting);
        add_directory_metrics(metrics, directory_figures(*services_, *counts, now));
    }
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics.text()};
}

server::HealthFacts ServerWatch::gather(const server::DirectoryView::Counts* counts) {
    server::HealthFacts facts;
    facts.data_directory = {server::free_bytes_of(machine_.data_directory), limits::data_disk_least_bytes};
    const auto copy = std::filesystem::path(machine_.order_log_copy).parent_path().string();
    facts.order_log_copy = {server::free_bytes_of(copy), limits::order_log_disk_least_bytes};
    facts.order_log_copy_writable = order_log_copy_writable();
    facts.restored_store = machine_.database.was_restored() || (services_ && services_->keyserver.restored());
    facts.store_failing = machine_.database.counters().failing.value() != 0;
    facts.reload_failed = reload_failed_;
    facts.directory_fresh = !services_ || services_->view.fresh();  // before the start, not_serving says it
    if (!services_) return facts;
    facts.serving = !stopping_;
    const auto trust = services_->keyserver.trust();
    facts.trust_list_ends = trust->fields().not_after;
    facts.grants_end = counts->grants_end;
    if (const auto tls = services_->link.tls()) {
        facts.tls_ends = tls->ends();
        facts.tls_pinned = trust->has_pin(tls->spki_sha256(), ServerRole::relay);
    }
    return facts;
}

bool ServerWatch::order_log_copy_writable() {
    const auto now = machine_.clock.boot();
    if (!probe_ || now - probe_->at >= limits::watch_probe_interval) {
        const auto directory = std::filesystem::path(machine_.order_log_copy).parent_path().string();
        probe_ = {now, server::is_writable(directory)};
    }
    return probe_->writable;
}

}  // namespace melder::apps
