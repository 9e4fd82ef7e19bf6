#include "apps/melder-admin/grant_commands.hpp"

#include "apps/json.hpp"
#include "apps/melder-admin/directory.hpp"
#include "apps/melder-admin/force_file.hpp"
#include "apps/melder-admin/grant_versions.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/sign_commands.hpp"
#include "apps/melder-admin/words.hpp"

namespace melder::admin {
namespace {

bool in_service(const wire::DeviceEntry& device) {
    return device.state() == wire::DEVICE_STATE_ACTIVE || device.state() == wire::DEVICE_STATE_WAITING;
}

Result<std::vector<EnrolmentId>> chosen_devices(Session& session, const GrantOptions& options) {
    std::vector<EnrolmentId> out;
    for (const auto& text : options.devices) {
        MELDER_TRY(const auto id, parse_device(text));
        out.push_back(id);
    }
    const auto ways = static_cast<int>(!options.devices.empty()) + static_cast<int>(!options.officer.empty()) +
                      static_cast<int>(!options.ending.empty());
    if (ways != 1) return Error(Errc::bad_argument, "name devices, or --officer, or --ending-within: one of the three");
    if (!options.devices.empty()) return out;
    std::string officer_id;
    std::optional<UnixTime> before;
    if (!options.officer.empty()) {
        MELDER_TRY(const auto officer, fetch_officer(*session.link, options.officer));
        officer_id = officer.officer_id();
    } else {
        MELDER_TRY(const auto within, parse_duration(options.ending));
        before = system_clock().wall() + within;
    }
    MELDER_TRY(const auto devices, fetch_devices(*session.link, officer_id));
    for (const auto& device : devices) {
        if (!in_service(device)) continue;
        if (before && UnixTime::from_seconds(static_cast<std::int64_t>(device.not_after_s())) > *before) continue;
        MELDER_TRY(const auto id, EnrolmentId::from(device.enrolment_id()));
        out.push_back(id);
    }
    return out;
}

/// The directory decides nothing, but a mistyped path would stand in a certificate and in the log.
Result<void> check_unit(Session& session, const UnitPath& unit) {
    MELDER_TRY(const auto directory, fetch_directory(*session.link));
    for (const auto& known : directory.force.units) {
        if (known.path == unit) return ok();
    }
    return Error(Errc::not_found,
                 "the directory has no unit " + unit.string() + "; `directory import` enters it. Nothing was changed");
}

Result<void> carry_out(Session& session, const std::vector<GrantWish>& wishes, const GrantOptions& options,
                       std::ostream& out) {
    MELDER_TRY(auto versions,
               make_versions(session, wishes, {.reason = options.reason, .second_key = options.second_key}));
    if (!options.sign_request.empty() && versions.size() > 0) {
        SignRequest request;
        for (auto* const items : {&versions.orders, &versions.grants})
            for (auto& item : *items)
                request.items.push_back(std::move(item));
        return write_sign_request(session, options.sign_request, request, out);
    }
    MELDER_CHECK(enter_versions(session, versions));
    if (session.json) {
        out << apps::JsonLine()
                   .number("grants", versions.grants.size())
                   .number("orders", versions.orders.size())
                   .number("unchanged", versions.unchanged)
                   .str()
            << "\n";
        return ok();
    }
    out << versions.size() << (versions.size() == 1 ? " grant has a new version" : " grants have a new version");
    if (!versions.orders.empty()) out << ", " << versions.orders.size() << " by an order in the log";
    if (versions.unchanged > 0) out << "; " << versions.unchanged << " say so already";
    out << "\n";
    return ok();
}

}  // namespace

Result<void> show_grant(Session& session, const std::string& device, std::ostream& out) {
    MELDER_TRY(const auto id, parse_device(device));
    wire::Frame ask;
    ask.mutable_fetch_grant()->set_enrolment_id(id.string());
    const auto reply = session.link->ask(std::move(ask), wire::Frame::kGrant);
    if (reply.has_error() && reply.error() == Errc::unknown_device)
        return Error(Errc::not_found, "the server knows no device " + device + "; `device list` prints them");
    MELDER_CHECK(reply);
    MELDER_TRY(const auto document, SignedBytes::from(reply->grant().grant()));
    MELDER_TRY(const auto grant, verify_grant(document, session.link->trust(), nullptr));
    std::string signers;
    for (const auto& signature : document.signatures)
        signers += (signers.empty() ? "" : " ") + short_hex(signature.key_id.hex());
    if (session.json) {
        out << apps::JsonLine()
                   .text("device", id.hex())
                   .text("officer", grant.officer_id.hex())
                   .text("name", grant.display_name)
                   .text("service_number", grant.service_number)
                   .text("unit", grant.unit.string())
                   .text("roles", roles_text(grant.roles))
                   .text("app", grant.app)
                   .number("version", grant.version)
                   .number("not_before_s", static_cast<std::uint64_t>(grant.not_before.seconds()))
                   .number("not_after_s", static_cast<std::uint64_t>(grant.not_after.seconds()))
                   .text("signed_by", signers)
                   .str()
            << "\n";
        return ok();
    }
    out << "device       " << id.hex() << "\nname         " << grant.display_name << "\nnumber       "
        << grant.service_number << "\nunit         " << grant.unit.string() << "\nroles        "
        << roles_text(grant.roles) << "\napp          " << grant.app << "\nversion      " << grant.version
        << "\nvalid        " << date_text(grant.not_before) << " to " << date_text(grant.not_after) << ", "
        << days_until(grant.not_after, system_clock().wall()) << " days left\nsigned by    " << signers << "\n";
    for (const auto& replaced : grant.replaces)
        out << "replaces     " << replaced.hex() << "\n";
    return ok();
}

Result<void> renew_grants(Session& session, const GrantOptions& options, std::ostream& out) {
    GrantChange change;
    MELDER_CHECK(need_right(session, Right::enrol));
    MELDER_TRY(change.valid, parse_duration(options.valid));
    MELDER_TRY(const auto devices, chosen_devices(session, options));
    std::vector<GrantWish> wishes;
    for (const auto& device : devices)
        wishes.push_back({device, change});
    return carry_out(session, wishes, options, out);
}

Result<void> set_grant(Session& session, const GrantOptions& options, std::ostream& out) {
    GrantChange change;
    if (!options.name.empty()) change.display_name = options.name;
    if (!options.number.empty()) change.service_number = options.number;
    if (!options.unit.empty()) {
        auto unit = UnitPath::parse(options.unit);
        if (unit.has_error()) return Error(Errc::bad_argument, "--unit is a path of ids such as LKA/K5");
        MELDER_CHECK(check_unit(session, *unit));
        change.unit = std::move(*unit);
    }
    if (!options.role.empty()) {
        auto roles = parse_roles(options.role);
        if (roles.has_error()) return Error(Errc::bad_argument, "--roles is member or member+leader");
        change.roles = std::move(*roles);
    }
    if (!options.valid.empty()) {
        MELDER_TRY(change.valid, parse_duration(options.valid));
    }
    if (!change.display_name && !change.service_number && !change.unit && !change.roles && !change.valid)
        return Error(Errc::bad_argument, "say what is to change: --name, --number, --unit, --roles or --valid");
    MELDER_TRY(const auto device, parse_device(options.devices.front()));
    // A second key may have the right that this one lacks; the server judges then.
    if (options.second_key == nullptr && options.sign_request.empty()) {
        if (change.display_name || change.service_number || change.unit)
            MELDER_CHECK(need_right(session, Right::directory));
        if (change.roles) MELDER_CHECK(need_right(session, Right::leaders));
        if (change.valid) MELDER_CHECK(need_right(session, Right::enrol));
    }
    return carry_out(session, {{device, change}}, options, out);
}

}  // namespace melder::admin
