#include "apps/melder-admin/directory_import.hpp"

#include <unistd.h>

#include <iostream>

#include "apps/json.hpp"
#include "apps/melder-admin/directory.hpp"
#include "apps/melder-admin/files.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

using wire::Frame;

constexpr std::size_t part_bytes = 96u * 1024;  // an entry has at most 1 KiB: a part stays below a message
constexpr std::size_t suspended_shown = 20;

void fill(wire::Unit& out, const ForceUnit& unit) {
    for (const auto& id : unit.path.ids())
        out.add_path(id);
    out.set_name(unit.name);
}

void fill(wire::Officer& out, const KnownOfficer& officer) {
    out.set_officer_id(officer.id.string());
    out.set_display_name(officer.officer.display_name);
    out.set_service_number(officer.officer.service_number);
    for (const auto& id : officer.officer.unit.ids())
        out.add_unit(id);
    for (const auto role : officer.officer.roles)
        out.add_roles(static_cast<wire::Role>(role));
    if (officer.absent_since) out.set_absent_since_s(static_cast<std::uint64_t>(officer.absent_since->seconds()));
}

/// Sends an import in parts; nothing changes at the server before `commit`.
class Upload {
public:
    Upload(AdminLink& link, std::size_t total) : link_(link), total_(total), shown_(::isatty(STDERR_FILENO) == 1) {
        system_random().fill(id_);
    }
    Result<void> add(const ForceUnit& unit, bool removed) {
        auto& entry = removed ? *part_.add_removed_units() : *part_.add_units();
        fill(entry, unit);
        return added(entry.ByteSizeLong());
    }
    Result<void> add(const KnownOfficer& officer, bool removed) {
        auto& entry = removed ? *part_.add_removed_officers() : *part_.add_officers();
        fill(entry, officer);
        return added(entry.ByteSizeLong());
    }
    Result<void> flush() {
        if (bytes_ == 0) return ok();
        Frame request;
        part_.set_import_id(to_string(id_));
        request.mutable_stage_directory()->Swap(&part_);
        part_.Clear();
        bytes_ = 0;
        MELDER_CHECK(link_.ask(std::move(request), Frame::kDone));
        ++parts_;
        if (shown_) std::cerr << "\r" << entries_ << " of " << total_ << " sent" << (entries_ == total_ ? "\n" : "");
        return ok();
    }
    Result<void> commit(std::uint64_t version) {
        Frame request;
        auto& commit = *request.mutable_commit_directory();
        commit.set_import_id(to_string(id_));
        commit.set_parts(parts_);
        commit.set_directory_version(version);
        const auto done = link_.ask(std::move(request), Frame::kDone);
        if (done.has_error() && done.error() == Errc::out_of_order) {
            return Error(Errc::out_of_order,
                         "somebody else changed the directory meanwhile, or the server was restarted; run the import "
                         "again");
        }
        MELDER_CHECK(done);
        return ok();
    }

private:
    Result<void> added(std::size_t bytes) {
        ++entries_;
        bytes_ += bytes + 4;
        return bytes_ >= part_bytes ? flush() : ok();
    }
    AdminLink& link_;
    std::size_t total_, entries_ = 0, bytes_ = 0;
    bool shown_;
    std::uint32_t parts_ = 0;
    ByteArray<16> id_{};
    wire::StageDirectory part_;
};

Result<void> stage(Upload& upload, const ImportPlan& plan) {
    // What goes comes first: a service number may pass to somebody else.
    for (const auto& unit : plan.units_removed)
        MELDER_CHECK(upload.add(unit, true));
    for (const auto& officer : plan.removed)
        MELDER_CHECK(upload.add(officer, true));
    for (const auto* units : {&plan.units_added, &plan.units_changed})
        for (const auto& unit : *units)
            MELDER_CHECK(upload.add(unit, false));
    for (const auto* officers : {&plan.changed, &plan.suspended})
        for (const auto& officer : *officers)
            MELDER_CHECK(upload.add(officer, false));
    for (const auto& officer : plan.added)
        MELDER_CHECK(upload.add({system_random().id<OfficerId>(), officer, {}}, false));
    return upload.flush();
}

/// The order for one device, on top of what the log says about it.
Result<SignedOrder> sign_suspension(Session& session, const EnrolmentId& device, UnixTime now,
                                    const ImportOptions& options) {
    OrderRequest request;
    request.kind = OrderKind::suspend;
    request.target = device;
    request.now = now;
    request.reason = options.reason;
    Frame ask;
    ask.mutable_fetch_order_state()->set_target(device.string());
    MELDER_TRY(const auto reply, session.link->ask(std::move(ask), Frame::kOrderState));
    request.previous_counter = reply.order_state().counter();
    if (request.previous_counter > 0) {
        MELDER_TRY(request.previous, Hash::from(reply.order_state().last_sha256()));
    }
    std::vector<Ed25519Seed> keys;
    keys.push_back(session.key.clone());
    if (options.second_key != nullptr) keys.push_back(options.second_key->clone());
    return sign_order(request, keys, system_random());
}

/// All in one request: all or nothing. Answers how many devices.
Result<std::size_t> suspend_devices(Session& session, const ImportPlan& plan, UnixTime now,
                                    const ImportOptions& options) {
    Frame put;
    auto& orders = *put.mutable_put_orders();
    for (const auto& officer : plan.suspended) {
        Frame ask;
        ask.mutable_list_devices()->set_officer_id(officer.id.string());
        ask.mutable_list_devices()->set_limit(limits::list_page);
        MELDER_TRY(const auto reply, session.link->ask(std::move(ask), Frame::kDeviceList));
        for (const auto& device : reply.device_list().devices()) {
            if (device.state() != wire::DEVICE_STATE_ACTIVE && device.state() != wire::DEVICE_STATE_WAITING) continue;
            MELDER_TRY(const auto id, EnrolmentId::from(device.enrolment_id()));
            MELDER_TRY(const auto order, sign_suspension(session, id, now, options));
            MELDER_CHECK(session.home.note_order(order.order, order.reason_salt, options.reason));
            *orders.add_orders() = order.document.to_wire();
        }
    }
    const auto count = static_cast<std::size_t>(orders.orders_size());
    if (count == 0) return count;
    const auto done = session.link->ask(std::move(put), Frame::kDone);
    if (done.has_error()) {
        return Error(done.error().code(), "suspending the devices of the officers who are missing (" +
                                              std::to_string(count) +
                                              "); nothing was changed. It takes the right `revoke`, and above 20 "
                                              "devices an hour --second-key");
    }
    return count;
}

void print_plan(const ImportPlan& plan, const Session& session, bool applied, std::ostream& out) {
    if (session.json) {
        out << apps::JsonLine()
                   .number("units_added", plan.units_added.size())
                   .number("units_changed", plan.units_changed.size())
                   .number("units_removed", plan.units_removed.size())
                   .number("officers_added", plan.added.size())
                   .number("officers_changed", plan.changed.size())
                   .number("officers_suspended", plan.suspended.size())
                   .number("officers_waiting", plan.waiting)
                   .number("officers_removed", plan.removed.size())
                   .number("applied", applied ? 1 : 0)
                   .str()
            << "\n";
        return;
    }
    out << "units     +" << plan.units_added.size() << " ~" << plan.units_changed.size() << " −"
        << plan.units_removed.size() << "\nofficers  +" << plan.added.size() << " ~" << plan.changed.size() << " −"
        << plan.suspended.size() + plan.removed.size() << "\n";
    if (!plan.suspended.empty()) {
        out << plan.suspended.size() << " missing: their devices are suspended, in 7 days an import removes them\n";
        for (std::size_t i = 0; i < plan.suspended.size() && i < suspended_shown; ++i)
            out << "  " << plan.suspended[i].officer.service_number << "  " << plan.suspended[i].officer.display_name
                << "\n";
        if (plan.suspended.size() > suspended_shown) out << "  …\n";
    }
    if (plan.waiting > 0) out << plan.waiting << " are missing already, their 7 days are not over\n";
    if (!plan.removed.empty()) out << plan.removed.size() << " were missing for 7 days and are removed\n";
}

}  // namespace

Result<void> import_directory(Session& session, const ImportOptions& options, std::ostream& out) {
    MELDER_TRY(const auto bytes, read_file(options.file));
    const auto force = Force::parse(as_chars(bytes.expose()));
    if (force.has_error()) return Error(force.error().code(), options.file + ", " + force.error().detail());
    MELDER_TRY(const auto statement, session.link->fetch_statement());
    MELDER_TRY(const auto known, fetch_directory(*session.link));
    const auto plan = plan_import(known.force, *force, statement.time);
    const auto allowed = check_removals(plan, known.force, options.allow_removals);
    if (!options.apply || allowed.has_error()) {
        print_plan(plan, session, false, out);
        MELDER_CHECK(allowed);
        if (!session.json)
            out << (plan.changes_nothing() ? "nothing to do\n" : "nothing was changed yet; repeat with --apply\n");
        return ok();
    }
    if (!plan.changes_nothing()) {
        Upload upload(*session.link, plan.units_removed.size() + plan.removed.size() + plan.units_added.size() +
                                         plan.units_changed.size() + plan.changed.size() + plan.suspended.size() +
                                         plan.added.size());
        MELDER_CHECK(stage(upload, plan));
        MELDER_TRY(const auto suspended, suspend_devices(session, plan, statement.time, options));
        const auto committed = upload.commit(known.version);
        if (committed.has_error() && suspended > 0) {
            std::cerr << suspended << " devices of missing officers were suspended before that\n";
        }
        MELDER_CHECK(committed);
    }
    print_plan(plan, session, true, out);
    if (!session.json)
        out << force->units.size() << " units and " << force->officers.size() << " officers are in the directory\n";
    return ok();
}

}  // namespace melder::admin
