#include "apps/melder-server/server_watch.hpp"

#include <filesystem>

#include "apps/melder-server/machine_metrics.hpp"
#include "core/limits.hpp"
#include "server/watch/system_facts.hpp"

namespace melder::apps {

using server::WatchPage;

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
    std::optional<server::DirectoryView::Counts> counts;
    const auto now = machine_.clock.wall();
    if (services_) counts = services_->view.count(now);
    const auto facts = gather(counts);
    const auto health = judge_health(facts, now);
    if (page == WatchPage::health) return {health.http_status(), "application/json", health.json() + "\n"};

    server::MetricPage metrics;
    add_health_metrics(metrics, health, facts, now);
    add_process_metrics(metrics, started_);
    add_store_metrics(metrics, machine_.database.counters(), load_figures(machine_.database));
    if (services_) {
        add_link_metrics(metrics, services_->link, services_->relay_cores.size());
        add_relay_metrics(metrics, services_->relay_cores);
        add_keyserver_metrics(metrics, services_->keyserver_cores, services_->lanes.waiting);
        add_directory_metrics(metrics, services_->view, *counts, services_->keyserver, now);
    }
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics.text()};
}

server::HealthFacts ServerWatch::gather(const std::optional<server::DirectoryView::Counts>& counts) {
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
