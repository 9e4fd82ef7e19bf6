#include "apps/melder-admin/directory_import.hpp"

#include <iostream>
#include <map>
#include <set>

#include "apps/json.hpp"
#include "apps/melder-admin/directory.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/grant_versions.hpp"
#include "apps/melder-admin/import_parts.hpp"
#include "apps/melder-admin/import_upload.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/sign_commands.hpp"
#include "apps/melder-admin/sign_many.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr std::size_t suspended_shown = 20;

/// What the import does to devices, signed.
struct Documents {
    std::vector<SignItem> items;
    std::size_t versions = 0;  ///< of grants, orders among them
};

/// Orders that suspend these devices.
Result<void> add_suspensions(Session& session, const std::vector<wire::DeviceEntry>& devices, UnixTime now,
                             const ImportOptions& options, Documents& out) {
    const auto reason = options.reason.empty() ? "missing from the directory import" : options.reason;
    std::vector<EnrolmentId> ids;
    for (const auto& device : devices) {
        MELDER_TRY(const auto id, EnrolmentId::from(device.enrolment_id()));
        ids.push_back(id);
    }
    std::vector<OrderRequest> requests(ids.size());
    MELDER_CHECK(fetch_order_states(
        *session.link, ids, false, [&](std::size_t i, const wire::TargetState& state) -> Result<void> {
            auto& request = requests[i];
            request.kind = OrderKind::suspend;
            request.target = ids[i];
            request.now = now;
            request.reason = reason;
            request.previous_counter = state.counter();
            if (state.counter() > 0) {
                MELDER_TRY(request.previous, Hash::from(std::string_view(state.last_sha256())));
            }
            return ok();
        }));
    std::vector<SignedOrder> orders(requests.size());
    MELDER_CHECK(sign_many(session, requests.size(), " suspensions signed", [&](std::size_t i) {
        orders[i] = sign_order(requests[i], {}, system_random());
        sign(orders[i].document, Context::order, session.key);
        if (options.second_key != nullptr) sign(orders[i].document, Context::order, *options.second_key);
    }));
    std::vector<Home::NotedOrder> noted;
    for (std::size_t i = 0; i < orders.size(); ++i) {
        noted.push_back({orders[i].order, orders[i].reason_salt});
        out.items.push_back({.context = Context::order,
                             .document = std::move(orders[i].document),
                             .reason_salt = orders[i].reason_salt,
                             .reason = reason,
                             .about = devices[i].display_name() + ", " + devices[i].service_number()});
    }
    return session.home.note_orders(noted, reason);
}

/// Suspensions for the devices of who is newly missing; new grant versions for the devices of who is named, placed or
/// led otherwise, except where the grant says so already.
Result<Documents> make_documents(Session& session, const ImportPlan& plan, std::size_t officers, UnixTime now,
                                 const ImportOptions& options) {
    Documents out;
    std::map<OfficerId, const ForceOfficer*> changed;
    std::set<OfficerId> missing;
    std::vector<OfficerId> named;
    for (const auto& officer : plan.changed) {
        changed.emplace(officer.id, &officer.officer);
        named.push_back(officer.id);
    }
    for (const auto& officer : plan.suspended) {
        missing.insert(officer.id);
        named.push_back(officer.id);
    }
    if (named.empty()) return out;
    MELDER_TRY(auto devices, fetch_devices_of(*session.link, named, officers));
    std::vector<wire::DeviceEntry> suspended;
    std::vector<GrantWish> wishes;
    for (auto& device : devices) {
        if (device.state() != wire::DEVICE_STATE_ACTIVE && device.state() != wire::DEVICE_STATE_WAITING) continue;
        MELDER_TRY(const auto officer, OfficerId::from(device.officer_id()));
        if (missing.contains(officer)) {
            suspended.push_back(std::move(device));
            continue;
        }
        const auto found = changed.find(officer);
        if (found == changed.end()) continue;
        GrantWish wish;
        MELDER_TRY(wish.device, EnrolmentId::from(device.enrolment_id()));
        wish.change.display_name = found->second->display_name;
        wish.change.unit = found->second->unit;
        wish.change.roles = found->second->roles;
        wishes.push_back(std::move(wish));
    }
    MELDER_CHECK(add_suspensions(session, suspended, now, options, out));
    MELDER_TRY(auto versions,
               make_versions(session, wishes,
                             {.reason = options.reason.empty() ? "changed by the directory import" : options.reason,
                              .second_key = options.second_key}));
    out.versions = versions.size();
    for (auto* const items : {&versions.orders, &versions.grants})
        std::ranges::move(*items, std::back_inserter(out.items));
    return out;
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
        MELDER_TRY(auto documents, make_documents(session, plan, known.force.officers.size(), statement.time, options));
        auto parts = parts_of(plan, system_random());
        if (!options.sign_request.empty() && !documents.items.empty()) {
            print_plan(plan, session, false, 0, out);
            const SignRequest request{
                .import = SignRequest::Import{.planned_against = digest_of(known.force), .parts = std::move(parts)},
                .items = std::move(documents.items)};
            return write_sign_request(session, options.sign_request, request, out);
        }
        MELDER_CHECK(enter_import(*session.link, std::move(parts), documents.items, known.version));
        versions = documents.versions;
    }
    print_plan(plan, session, true, versions, out);
    if (!session.json && versions > 0) out << versions << " devices got a new version of their grant\n";
    if (!session.json)
        out << force->units.size() << " units and " << force->officers.size() << " officers are in the directory\n";
    return ok();
}

}  // namespace melder::admin
