#include "apps/melder-server/service_metrics.hpp"

#include <chrono>

#include "core/limits.hpp"

namespace melder::apps {
namespace {

using server::MetricPage;

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

/// `counter(core)` is a server::Counter of each.
template <class Core, class Get>
double sum(const std::vector<const Core*>& cores, Get counter) {
    std::uint64_t total = 0;
    for (const auto* core : cores)
        total += counter(*core).value();
    return number(total);
}

template <class Core>
server::LatencyHistogram::Snapshot sum(const std::vector<const Core*>& cores,
                                       server::LatencyHistogram Core::* histogram) {
    server::LatencyHistogram::Snapshot total;
    for (const auto* core : cores)
        (core->*histogram).add_to(total);
    return total;
}

/// A sample for each code that has happened: the table has 80, an operator meets five.
template <class Core>
void add_codes(MetricPage::Family family, const std::vector<const Core*>& cores, server::CodeCounters Core::* codes) {
#define MELDER_ERRC_CODE(name, value, text) Errc::name,
    for (const auto code : {MELDER_ERRC_TABLE(MELDER_ERRC_CODE)}) {
#undef MELDER_ERRC_CODE
        std::uint64_t total = 0;
        for (const auto* core : cores)
            total += (core->*codes).value(code);
        if (total != 0) family.add({{"code", std::string(name_of(code))}}, number(total));
    }
}

constexpr Lane lanes[] = {Lane::urgent, Lane::keys, Lane::normal, Lane::receipt, Lane::transient};

std::string label_of(server::PutOutcome outcome) {
    switch (outcome) {
        case server::PutOutcome::stored:
            return "stored";
        case server::PutOutcome::duplicate:
            return "duplicate";
        case server::PutOutcome::conflict:
            return "conflict";
        case server::PutOutcome::quota:
            return "quota";
        case server::PutOutcome::no_room:
            return "no_room";
        case server::PutOutcome::unknown:
            break;
    }
    return "unknown";
}

}  // namespace

void add_link_metrics(MetricPage& page, const LinkFigures& link) {
    auto open = page.gauge("melder_link_connections", "Connections now, logged in or not.");
    auto sessions = page.gauge("melder_link_sessions", "Connections that have logged in.");
    auto silent = page.gauge("melder_link_loop_silent_seconds", "Since the event loop last came to its timers.");
    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(link.now.time_since_epoch()).count();
    server::LinkCounters all;
    for (std::size_t core = 0; core < link.cores.size(); ++core) {
        const auto& one = *link.cores[core];
        one.add_to(all);
        const auto label = std::to_string(core);
        open.add({{"core", label}}, number(one.open.value()));
        sessions.add({{"core", label}}, number(one.sessions.value()));
        const auto tick_ms = static_cast<std::int64_t>(one.last_tick_ms.value());
        if (tick_ms != 0)
            silent.add({{"core", label}}, static_cast<double>(std::max<std::int64_t>(0, now_ms - tick_ms)) / 1000.0);
    }
    page.counter("melder_link_accepted_total", "Connections accepted.").add({}, number(all.accepted));
    page.counter("melder_link_accept_failures_total", "accept() failed, for want of descriptors or memory.")
        .add({}, number(all.accept_failed));
    page.counter("melder_link_not_admitted_total", "Closed at once: too many had not logged in.")
        .add({}, number(all.not_admitted));
    auto handshakes = page.counter("melder_link_handshakes_total", "TLS handshakes and HTTP upgrades.");
    handshakes.add({{"result", "done"}}, number(all.handshakes));
    handshakes.add({{"result", "failed"}}, number(all.handshakes_failed));
    auto logins = page.counter("melder_link_logins_total", "Logins, and enrolments of new devices.");
    logins.add({{"kind", "device"}}, number(all.logins));
    logins.add({{"kind", "restricted"}}, number(all.restricted_logins));
    logins.add({{"kind", "admin"}}, number(all.admin_logins));
    logins.add({{"kind", "enrolment"}}, number(all.enrolments));
    add_codes(page.counter("melder_link_login_refusals_total", "Logins and enrolments refused."), link.cores,
              &server::CoreCounters::login_refusals);
    auto closed = page.counter("melder_link_closed_total", "Connections that the server ended.");
    closed.add({{"reason", "not_admitted"}}, number(all.not_admitted));
    closed.add({{"reason", "deadline"}}, number(all.deadlines_missed));
    closed.add({{"reason", "silent"}}, number(all.dead_peers));
    closed.add({{"reason", "replaced"}}, number(all.replaced));
    closed.add({{"reason", "protocol_error"}}, number(all.protocol_errors));
    auto frames = page.counter("melder_link_frames_total", "Frames.");
    frames.add({{"direction", "in"}}, number(all.frames_in));
    frames.add({{"direction", "out"}}, number(all.frames_out));
    auto messages = page.counter("melder_link_messages_total", "WebSocket messages, which carry the frames.");
    messages.add({{"direction", "in"}}, number(all.messages_in));
    messages.add({{"direction", "out"}}, number(all.messages_out));
    page.counter("melder_link_refused_frames_total", "Frames that the session had no right to send.")
        .add({}, number(all.refused_frames));
    page.counter("melder_link_outbox_refusals_total", "Frames that found no room in an outbox.")
        .add({}, number(all.outbox_refused));
    page.counter("melder_link_reads_paused_total", "Times a connection was not read for want of room for answers.")
        .add({}, number(all.reads_paused));
    page.gauge("melder_link_outbox_bytes", "What waits to be written, of all connections.")
        .add({}, number(link.outbox_bytes));
    page.gauge("melder_link_outbox_limit_bytes", "The most that may wait.")
        .add({}, number(limits::process_outbox_bytes));
}

void add_relay_metrics(MetricPage& page, const std::vector<const relay::RelayCounters*>& cores) {
    const auto per_lane = [&](MetricPage::Family family, server::Counter relay::LaneCounters::* counter) {
        for (const auto lane : lanes) {
            family.add({{"lane", std::string(name_of(lane))}},
                       sum(cores, [&](const relay::RelayCounters& core) -> auto& {
                           return core.lanes[static_cast<std::size_t>(lane)].*counter;
                       }));
        }
    };
    per_lane(page.counter("melder_relay_submitted_total", "Envelopes taken from senders, one per recipient."),
             &relay::LaneCounters::submitted);
    per_lane(page.counter("melder_relay_forwarded_total", "Envelopes handed to a connection."),
             &relay::LaneCounters::forwarded);
    per_lane(page.counter("melder_relay_acknowledged_total", "Envelopes acknowledged by the device."),
             &relay::LaneCounters::acknowledged);
    per_lane(page.counter("melder_relay_received_total", "Link credit given back by the device."),
             &relay::LaneCounters::received);
    per_lane(page.counter("melder_relay_deferred_total", "Envelopes that the device cannot open yet."),
             &relay::LaneCounters::deferred);
    per_lane(page.counter("melder_relay_refused_total", "Envelopes that the device refused."),
             &relay::LaneCounters::refused);
    per_lane(page.counter("melder_relay_moved_aside_total", "Envelopes moved aside after three refusals."),
             &relay::LaneCounters::moved_aside);
    per_lane(page.counter("melder_relay_expired_unread_total", "Envelopes that expired before their device came."),
             &relay::LaneCounters::expired_unread);
    auto puts = page.counter("melder_relay_puts_total", "Envelopes that went to the store, by its answer.");
    for (const auto lane : lanes) {
        for (std::size_t outcome = 0; outcome < relay::LaneCounters{}.puts.size(); ++outcome) {
            puts.add(
                {{"lane", std::string(name_of(lane))}, {"outcome", label_of(static_cast<server::PutOutcome>(outcome))}},
                sum(cores, [&](const relay::RelayCounters& core) -> auto& {
                    return core.lanes[static_cast<std::size_t>(lane)].puts[outcome];
                }));
        }
    }
    add_codes(
        page.counter("melder_relay_sender_refusals_total", "What senders were told instead of an acknowledgement."),
        cores, &relay::RelayCounters::sender_refusals);
    add_codes(page.counter("melder_relay_device_refusals_total", "The reasons that devices gave for a refusal."), cores,
              &relay::RelayCounters::device_refusals);
    page.histogram("melder_relay_submit_seconds", "From a complete upload to its last recipient's answer.")
        .add({}, sum(cores, &relay::RelayCounters::submit));
    page.histogram("melder_relay_drain_seconds", "From a login until all its mailbox was delivered.")
        .add({}, sum(cores, &relay::RelayCounters::drain));
    page.counter("melder_relay_list_failures_total", "Mailboxes that could not be read; tried again.")
        .add({}, sum(cores, [](const relay::RelayCounters& core) -> auto& { return core.list_failures; }));
    page.gauge("melder_relay_submits_unanswered", "Uploads whose recipients have not all been answered for.")
        .add({}, sum(cores, [](const relay::RelayCounters& core) -> auto& { return core.unanswered; }));
    page.gauge("melder_relay_devices", "Devices in memory: connected, or with something under way.")
        .add({}, sum(cores, [](const relay::RelayCounters& core) -> auto& { return core.devices; }));
}

void add_keyserver_metrics(MetricPage& page, const std::vector<const keyserver::KeyserverCounters*>& cores,
                           std::size_t waiting) {
    using keyserver::KeyserverCounters;
    auto requests = page.counter("melder_keyserver_requests_total", "Requests answered.");
    for (std::size_t i = 0; i < std::size(keyserver::request_kinds); ++i) {
        requests.add({{"request", std::string(keyserver::request_kinds[i].name)}},
                     sum(cores, [&](const KeyserverCounters& core) -> auto& { return core.requests[i]; }));
    }
    page.histogram("melder_keyserver_request_seconds", "From a request's turn to its answer.")
        .add({}, sum(cores, &KeyserverCounters::request));
    page.gauge("melder_keyserver_requests_waiting", "Requests not yet answered.").add({}, number(waiting));
    add_codes(
        page.counter("melder_keyserver_refusals_total", "Refusals: of requests, and of single devices and grants."),
        cores, &KeyserverCounters::refusals);
    auto taken = page.counter("melder_keyserver_prekeys_taken_total", "Prekey bundles handed out.");
    taken.add({{"kind", "one_time"}},
              sum(cores, [](const KeyserverCounters& core) -> auto& { return core.one_time_taken; }));
    taken.add({{"kind", "signed_only"}},
              sum(cores, [](const KeyserverCounters& core) -> auto& { return core.signed_only; }));
    page.counter("melder_keyserver_grants_total", "Grants accepted.")
        .add({}, sum(cores, [](const KeyserverCounters& core) -> auto& { return core.grants; }));
    page.counter("melder_keyserver_orders_total", "Orders accepted: revocations, restorations, wipes.")
        .add({}, sum(cores, [](const KeyserverCounters& core) -> auto& { return core.orders; }));
}

void add_directory_metrics(MetricPage& page, const DirectoryFigures& directory) {
    const auto& [counts, feed_age, trust_list_version, statement, now] = directory;
    auto age = page.gauge("melder_directory_feed_age_seconds", "Since the directory's feed was last heard.");
    if (feed_age) age.add({}, static_cast<double>(feed_age->count()) / 1000.0);
    auto devices = page.gauge("melder_directory_devices", "Devices of the force.");
    devices.add({{"state", "active"}}, number(counts.active));
    devices.add({{"state", "waiting"}}, number(counts.waiting));
    devices.add({{"state", "revoked"}}, number(counts.revoked));
    auto first =
        page.gauge("melder_directory_first_grant_ends_days", "Days until the first active device's grant ends.");
    if (counts.first_grant_ends)
        first.add({}, static_cast<double>((*counts.first_grant_ends - now).count()) / 86'400'000.0);
    page.gauge("melder_directory_trust_list_version", "The trust list in force.").add({}, number(trust_list_version));
    auto log = page.gauge("melder_directory_order_log_entries", "Entries of the order log.");
    auto stated = page.gauge("melder_directory_statement_age_seconds", "Since the newest statement was signed.");
    if (!statement) return;
    log.add({}, number(statement->log_size));
    stated.add({}, static_cast<double>((now - statement->time).count()) / 1000.0);
}

}  // namespace melder::apps
