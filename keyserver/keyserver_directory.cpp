// Who is where: look-ups of devices, lists for administrators.

#include "keyserver/keyserver.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

constexpr std::size_t officers_per_load = 500;

std::size_t page_limit(std::uint32_t asked) {
    return asked == 0 ? limits::list_page : std::min<std::size_t>(asked, limits::list_page);
}

wire::DeviceState state_of(const server::DeviceRow& row, UnixTime now) {
    switch (row.standing) {
        case DeviceStanding::suspended:
            return wire::DEVICE_STATE_SUSPENDED;
        case DeviceStanding::revoked:
            return wire::DEVICE_STATE_REVOKED;
        case DeviceStanding::replaced:
            return wire::DEVICE_STATE_REPLACED;
        case DeviceStanding::active:
            break;
    }
    if (now > row.not_after || (!row.bound && now > row.bind_before)) return wire::DEVICE_STATE_EXPIRED;
    return row.bound ? wire::DEVICE_STATE_ACTIVE : wire::DEVICE_STATE_WAITING;
}

bool matches(const wire::Officer& officer, const std::string& prefix) {
    if (officer.service_number().starts_with(prefix) || officer.display_name().starts_with(prefix)) return true;
    // A family name stands behind a space: "POK Meier" is found by "Mei".
    return officer.display_name().find(" " + prefix) != std::string::npos;
}

}  // namespace

Result<OfficerId> Keyserver::resolve(const wire::LookUp& request) const {
    switch (request.whom_case()) {
        case wire::LookUp::kOfficerId:
            return OfficerId::from(std::string_view(request.officer_id()));
        case wire::LookUp::kServiceNumber: {
            if (request.service_number().size() > limits::service_number_bytes) return Errc::too_large;
            const auto key = config_.directory_key.lookup("service-number", request.service_number());
            MELDER_TRY(const auto officer, wait_for<std::optional<OfficerId>>([&](auto executor, auto done) {
                           store_.find_officer(key, executor, done);
                       }));
            if (!officer) return Errc::not_found;
            return *officer;
        }
        case wire::LookUp::kEnrolmentId: {
            MELDER_TRY(const auto id, EnrolmentId::from(std::string_view(request.enrolment_id())));
            const auto device = view_.find(id);
            if (!device) return Errc::unknown_device;
            return device->officer;
        }
        case wire::LookUp::WHOM_NOT_SET:
            break;
    }
    return Errc::malformed;
}

Result<wire::Devices> Keyserver::look_up(const server::Peer& peer, const wire::LookUp& request) const {
    MELDER_TRY(const auto officer, resolve(request));
    wire::Devices reply;
    reply.set_officer_id(officer.string());
    const auto now = clock_.wall();
    MELDER_TRY(const auto rows, wait_for<std::vector<server::DeviceRow>>([&](auto executor, auto done) {
                   store_.list_devices(std::nullopt, officer, officers_per_load, executor, done);
               }));
    for (const auto& row : rows) {
        if (row.app != peer.app || state_of(row, now) != wire::DEVICE_STATE_ACTIVE || now < row.not_before) continue;
        if (static_cast<std::size_t>(reply.credentials_size()) == limits::devices_per_officer) break;
        MELDER_TRY(*reply.add_credentials(), credential_of(row));
    }
    return reply;
}

Result<wire::DeviceEntry> Keyserver::entry_of(const server::DeviceRow& row, UnixTime now) const {
    MELDER_TRY(const auto document, open_grant(row));
    MELDER_TRY(const auto grant, Grant::parse(document.body));
    wire::DeviceEntry entry;
    entry.set_enrolment_id(row.device.string());
    entry.set_officer_id(row.officer.string());
    entry.set_display_name(grant.display_name);
    entry.set_service_number(grant.service_number);
    for (const auto& id : grant.unit.ids())
        entry.add_unit(id);
    entry.set_app(row.app);
    entry.set_state(state_of(row, now));
    entry.set_grant_version(row.grant_version);
    entry.set_not_after_s(static_cast<std::uint64_t>(row.not_after.seconds()));
    if (row.bound) entry.set_bound_at_s(static_cast<std::uint64_t>(row.bound->bound_at.seconds()));
    entry.set_bind_before_s(static_cast<std::uint64_t>(row.bind_before.seconds()));
    if (const auto tries = tries_.find(row.device)) {
        entry.set_refused_tries(tries->count);
        entry.set_last_refusal(static_cast<std::uint32_t>(tries->last));
    }
    return entry;
}

Result<wire::DeviceList> Keyserver::list_devices(const wire::ListDevices& request) const {
    std::optional<EnrolmentId> after;
    std::optional<OfficerId> officer;
    if (!request.after().empty()) {
        MELDER_TRY(after, EnrolmentId::from(std::string_view(request.after())));
    }
    if (!request.officer_id().empty()) {
        MELDER_TRY(officer, OfficerId::from(std::string_view(request.officer_id())));
    }
    const auto limit = page_limit(request.limit());
    MELDER_TRY(const auto rows, wait_for<std::vector<server::DeviceRow>>([&](auto executor, auto done) {
                   store_.list_devices(after, officer, limit + 1, executor, done);
               }));
    wire::DeviceList reply;
    const auto now = clock_.wall();
    for (std::size_t i = 0; i < rows.size() && i < limit; ++i) {
        MELDER_TRY(*reply.add_devices(), entry_of(rows[i], now));
    }
    reply.set_more(rows.size() > limit);
    return reply;
}

Result<wire::DeviceStatus> Keyserver::show_device(const wire::ShowDevice& request) const {
    MELDER_TRY(const auto id, EnrolmentId::from(std::string_view(request.enrolment_id())));
    MELDER_TRY(const auto row, load_device(id));
    wire::DeviceStatus reply;
    MELDER_TRY(*reply.mutable_device(), entry_of(row, clock_.wall()));
    MELDER_TRY(const auto stock, wait_for<server::PrekeyStock>(
                                     [&](auto executor, auto done) { store_.load_prekeys(id, executor, done); }));
    reply.set_one_time_prekeys(static_cast<std::uint32_t>(stock.one_time.size()));
    auto login = logins_.find(id);
    if (!login) {
        MELDER_TRY(login, wait_for<std::optional<server::LoginRow>>(
                              [&](auto executor, auto done) { store_.load_login(id, executor, done); }));
    }
    if (login) {
        reply.set_last_seen_s(login->day * std::uint64_t{86'400});
        reply.set_client_version(login->client_version);
        reply.set_protocol_version(login->protocol);
    }
    return reply;
}

/// The names are sealed, so every officer is opened: for administrators, not for phones.
Result<wire::OfficerList> Keyserver::find_officers(const wire::FindOfficers& request) const {
    std::optional<OfficerId> after;
    if (!request.after().empty()) {
        MELDER_TRY(after, OfficerId::from(std::string_view(request.after())));
    }
    const auto limit = page_limit(request.limit());
    // Without a prefix every officer matches: one more than the page tells whether there are more.
    const auto per_load = request.prefix().empty() ? limit + 1 : officers_per_load;
    wire::OfficerList reply;
    for (;;) {
        MELDER_TRY(const auto rows, wait_for<std::vector<server::OfficerRow>>([&](auto executor, auto done) {
                       store_.list_officers(after, per_load, executor, done);
                   }));
        for (const auto& row : rows) {
            MELDER_TRY(const auto opened, config_.directory_key.open("officer", row.officer.view(), row.sealed));
            wire::Officer officer;
            if (!officer.ParseFromArray(opened.expose().data(), static_cast<int>(opened.size()))) {
                return Error(Errc::store_corrupt, "a stored officer cannot be read");
            }
            if (!matches(officer, request.prefix())) continue;
            if (static_cast<std::size_t>(reply.officers_size()) == limit) {
                reply.set_more(true);
                return reply;
            }
            *reply.add_officers() = std::move(officer);
        }
        if (rows.size() < per_load) return reply;
        after = rows.back().officer;
    }
}

Result<wire::UnitList> Keyserver::list_units(const wire::ListUnits& request) const {
    MELDER_TRY(const auto rows, wait_for<std::vector<server::UnitRow>>([&](auto executor, auto done) {
                   store_.list_units(limits::units_listed, executor, done);
               }));
    wire::UnitList reply;
    for (std::size_t i = request.skip(); i < rows.size(); ++i) {
        if (static_cast<std::size_t>(reply.units_size()) == limits::units_per_page) {
            reply.set_more(true);
            break;
        }
        const auto& row = rows[i];
        MELDER_TRY(const auto opened, config_.directory_key.open("unit", row.key.view(), row.sealed));
        if (!reply.add_units()->ParseFromArray(opened.expose().data(), static_cast<int>(opened.size()))) {
            return Error(Errc::store_corrupt, "a stored unit cannot be read");
        }
    }
    return reply;
}

Result<wire::StatusReply> Keyserver::status() const {
    MELDER_TRY(const auto head,
               wait_for<server::DirectoryHead>([&](auto executor, auto done) { store_.load_head(executor, done); }));
    const auto counts = view_.count(clock_.wall());
    wire::StatusReply reply;
    reply.set_server_version(config_.server_version);
    reply.set_devices_active(counts.active);
    reply.set_devices_waiting(counts.waiting);
    reply.set_devices_revoked(counts.revoked);
    if (counts.grants_end) reply.set_grants_end_s(static_cast<std::uint64_t>(counts.grants_end->seconds()));
    reply.set_officers(head.officers);
    reply.set_store_epoch(store_.epoch().string());
    reply.set_directory_version(directory_version_);
    reply.set_restored(restored());
    const std::shared_lock lock(mutex_);
    reply.set_log_size(book_.size());
    reply.set_log_head(book_.head().string());
    reply.set_trust_list_version(trust_->version());
    reply.set_trust_list_not_after_s(static_cast<std::uint64_t>(trust_->fields().not_after.seconds()));
    return reply;
}

}  // namespace melder::keyserver
