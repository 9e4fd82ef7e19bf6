#include "apps/melder-admin/directory_import.hpp"

#include <unistd.h>

#include <iostream>
#include <map>

#include "apps/json.hpp"
#include "apps/melder-admin/directory.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/grant_versions.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/sign_commands.hpp"
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

/// Orders that suspend the devices of who is newly missing.
Result<SignRequest> make_suspensions(Session& session, const ImportPlan& plan, UnixTime now,
                                     const ImportOptions& options) {
    SignRequest out;
    for (const auto& officer : plan.suspended) {
        MELDER_TRY(const auto devices, fetch_devices(*session.link, officer.id.string()));
        for (const auto& device : devices) {
            if (device.state() != wire::DEVICE_STATE_ACTIVE && device.state() != wire::DEVICE_STATE_WAITING) continue;
            OrderRequest request;
            request.kind = OrderKind::suspend;
            request.now = now;
            request.reason = options.reason.empty() ? "missing from the directory import" : options.reason;
            const auto reason = request.reason;
            MELDER_TRY(request.target, EnrolmentId::from(device.enrolment_id()));
            MELDER_TRY(auto order, make_order(session, std::move(request), options.second_key));
            out.items.push_back({.context = Context::order,
                                 .document = std::move(order.document),
                                 .reason_salt = order.reason_salt,
                                 .reason = reason,
                                 .about = device.display_name() + ", " + device.service_number()});
        }
    }
    return out;
}

Result<void> enter_suspensions(Session& session, const SignRequest& suspensions) {
    std::vector<SignedBytes> orders;
    for (const auto& item : suspensions.items)
        orders.push_back(item.document);
    const auto done = put_orders(*session.link, orders);
    if (done.has_error()) {
        return Error(done.error().code(), "suspending the devices of the officers who are missing (" +
                                              std::to_string(orders.size()) +
                                              "); the directory was not changed. It takes the right `revoke`, and "
                                              "above 20 devices an hour --second-key or --sign-request");
    }
    return ok();
}

Result<void> enter_changes(Session& session, const GrantVersions& changes) {
    const auto done = enter_versions(session, changes);
    if (!done.has_error()) return ok();
    return Error(
        done.error().code(),
        "entering new grant versions for " + std::to_string(changes.size()) +
            " devices of changed officers; the directory was not changed, run the import again. It takes the "
            "rights `directory`, for leaders `leaders`, and above 50 grants or 20 orders an hour --second-key or "
            "--sign-request");
}

/// New grant versions for the devices of who is named, placed or led otherwise. Devices whose grant says so already,
/// from an import that was interrupted, are left alone.
Result<GrantVersions> make_changes(Session& session, const ImportPlan& plan, const ImportOptions& options) {
    std::map<OfficerId, const ForceOfficer*> changed;
    for (const auto& officer : plan.changed)
        changed.emplace(officer.id, &officer.officer);
    GrantVersions none;
    if (changed.empty()) return none;
    MELDER_TRY(const auto devices,
               fetch_devices(*session.link, changed.size() == 1 ? changed.begin()->first.string() : std::string()));
    std::vector<GrantWish> wishes;
    for (const auto& device : devices) {
        if (device.state() != wire::DEVICE_STATE_ACTIVE && device.state() != wire::DEVICE_STATE_WAITING) continue;
        MELDER_TRY(const auto officer, OfficerId::from(device.officer_id()));
        const auto found = changed.find(officer);
        if (found == changed.end()) continue;
        GrantWish wish;
        MELDER_TRY(wish.device, EnrolmentId::from(device.enrolment_id()));
        wish.change.display_name = found->second->display_name;
        wish.change.unit = found->second->unit;
        wish.change.roles = found->second->roles;
        wishes.push_back(std::move(wish));
    }
    return make_versions(session, wishes,
                         {.reason = options.reason.empty() ? "changed by the directory import" : options.reason,
                          .second_key = options.second_key});
}

void print_plan(const ImportPlan& plan, const Session& session, bool applied, std::size_t versions, std::ostream& out) {
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
                   .number("grant_versions", versions)
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
        print_plan(plan, session, false, 0, out);
        MELDER_CHECK(allowed);
        if (!session.json)
            out << (plan.changes_nothing() ? "nothing to do\n" : "nothing was changed yet; repeat with --apply\n");
        return ok();
    }
    std::size_t versions = 0;
    if (!plan.changes_nothing()) {
        Upload upload(*session.link, plan.units_removed.size() + plan.removed.size() + plan.units_added.size() +
                                         plan.units_changed.size() + plan.changed.size() + plan.suspended.size() +
                                         plan.added.size());
        MELDER_CHECK(stage(upload, plan));
        MELDER_TRY(const auto suspensions, make_suspensions(session, plan, statement.time, options));
        MELDER_TRY(const auto changes, make_changes(session, plan, options));
        const bool by_file = !options.sign_request.empty() && !(suspensions.items.empty() && changes.size() == 0);
        if (by_file) {
            auto request = suspensions;
            for (const auto* const items : {&changes.orders, &changes.grants})
                request.items.insert(request.items.end(), items->begin(), items->end());
            MELDER_CHECK(write_sign_request(session, options.sign_request, request, out));
        } else {
            MELDER_CHECK(enter_suspensions(session, suspensions));
            MELDER_CHECK(enter_changes(session, changes));
            versions = changes.size();
        }
        const auto committed = upload.commit(known.version);
        if (committed.has_error() && !by_file && !suspensions.items.empty()) {
            std::cerr << suspensions.items.size() << " devices of missing officers were suspended before that\n";
        }
        MELDER_CHECK(committed);
    }
    print_plan(plan, session, true, versions, out);
    if (!session.json && versions > 0) out << versions << " devices got a new version of their grant\n";
    if (!session.json)
        out << force->units.size() << " units and " << force->officers.size() << " officers are in the directory\n";
    return ok();
}

}  // namespace melder::admin
