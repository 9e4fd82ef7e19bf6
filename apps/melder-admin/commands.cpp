#include "apps/melder-admin/commands.hpp"

#include <sstream>

#include "apps/json.hpp"
#include "apps/melder-admin/directory.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/sign_commands.hpp"
#include "apps/melder-admin/words.hpp"
#include "apps/qr_code.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

using wire::Frame;

std::string unit_text(const google::protobuf::RepeatedPtrField<std::string>& path) {
    std::string text;
    for (const auto& id : path)
        text += (text.empty() ? "" : "/") + id;
    return text;
}

Result<std::vector<Role>> roles_of(const wire::Officer& officer, const std::string& asked_for) {
    if (asked_for == "leader") return std::vector{Role::member, Role::leader};
    if (asked_for == "member") return std::vector{Role::member};
    if (!asked_for.empty()) return Error(Errc::bad_argument, "--role is member or leader");
    std::vector<Role> roles;
    for (const int role : officer.roles())
        roles.push_back(static_cast<Role>(role));
    return roles;
}

/// An order that changes nothing is a slip of the finger: it would stand in the log for good.
Result<void> check_changes_something(OrderKind kind, wire::DeviceState state) {
    const bool out_of_service = state == wire::DEVICE_STATE_REVOKED || state == wire::DEVICE_STATE_SUSPENDED;
    if (kind == OrderKind::restore && !out_of_service)
        return Error(Errc::not_allowed, "the device is " + std::string(name_of_state(state)) +
                                            ", neither revoked nor suspended; nothing was changed");
    if ((kind == OrderKind::revoke && state == wire::DEVICE_STATE_REVOKED) ||
        (kind == OrderKind::suspend && out_of_service))
        return Error(Errc::not_allowed,
                     "the device is " + std::string(name_of_state(state)) + " already; nothing was changed");
    return ok();
}

/// At the server, or into a file for a second administrator.
Result<void> enter_code(Session& session, const CodeOptions& options, const IssuedCode& issued, std::ostream& out) {
    if (!options.reason.empty())
        MELDER_CHECK(session.home.note_subject("replace", issued.grant.enrolment_id.hex(), system_clock().wall(),
                                               options.reason));
    if (options.sign_request.empty()) return put_grants(*session.link, {issued.document}, "nothing was issued");
    SignRequest sign_request;
    sign_request.items.push_back({.context = Context::grant, .document = issued.document});
    return write_sign_request(session, options.sign_request, sign_request, out);
}

}  // namespace

Result<void> issue_code(Session& session, const CodeOptions& options, std::ostream& out) {
    GrantRequest request;
    MELDER_TRY(request.code_valid, parse_duration(options.code_valid));
    MELDER_TRY(request.grant_valid, parse_duration(options.grant_valid));
    const std::chrono::seconds longest(session.link->trust().fields().longest_code_validity_s);
    if (request.code_valid > longest) {
        return Error(Errc::bad_argument, "--valid is longer than the trust list allows, " +
                                             std::to_string(longest / std::chrono::hours(24)) + " days");
    }
    for (const auto& text : options.replaces) {
        MELDER_TRY(const auto device, parse_device(text));
        request.replaces.push_back(device);
    }
    if (!options.qr_file.empty() && std::filesystem::exists(options.qr_file))
        return Error(Errc::already_exists, options.qr_file + "; nothing was issued");
    if (!options.reason.empty()) {
        MELDER_CHECK(check_reason(options.reason));
        if (options.replaces.empty())
            return Error(Errc::bad_argument,
                         "--reason is of a replacement, which is an entry in the log: add --replaces");
    }
    MELDER_CHECK(need_right(session, Right::enrol));
    if (!options.replaces.empty() && options.second_key == nullptr && options.sign_request.empty())
        MELDER_CHECK(need_right(session, Right::revoke));
    MELDER_TRY(const auto officer, fetch_officer(*session.link, options.officer));
    MELDER_TRY(request.officer, OfficerId::from(officer.officer_id()));
    request.display_name = officer.display_name();
    request.service_number = officer.service_number();
    MELDER_TRY(request.unit, UnitPath::from({officer.unit().begin(), officer.unit().end()}));
    MELDER_TRY(request.roles, roles_of(officer, options.role));

    MELDER_TRY(const auto statement, session.link->fetch_statement());
    MELDER_TRY(auto issued, admin::issue_code(request, statement, session.key, system_random()));
    if (options.second_key != nullptr) sign(issued.document, Context::grant, *options.second_key);
    const auto text = issued.code.text();
    const auto device = issued.grant.enrolment_id.hex();
    MELDER_TRY(const auto drawn, apps::QrCode::draw(text.expose()));
    if (!options.qr_file.empty()) {  // before the server hears of it: what cannot be written costs no code
        MELDER_TRY(const auto png, drawn.png());
        MELDER_CHECK(write_new_file(options.qr_file, png, 0600));
    }
    std::ostringstream passed_on;
    if (const auto done = enter_code(session, options, issued, passed_on); done.has_error()) {
        if (!options.qr_file.empty() && done.error() != Errc::network) std::filesystem::remove(options.qr_file);
        return done;
    }
    if (session.json) {
        out << apps::JsonLine().text("code", as_chars(text.expose())).text("device", device).str() << "\n";
    } else {
        out << "code    " << as_chars(text.expose()) << "\ndevice  " << device
            << "\nGive the code to the officer in person; it works once, for " << options.code_valid << ".\n";
        if (options.qr) out << drawn.terminal_text();
    }
    out << passed_on.str();
    return ok();
}

Result<void> list_devices(Session& session, const std::string& officer, std::ostream& out) {
    std::string officer_id;
    if (!officer.empty()) {
        MELDER_TRY(const auto found, fetch_officer(*session.link, officer));
        officer_id = found.officer_id();
    }
    MELDER_TRY(const auto devices, fetch_devices(*session.link, officer_id));
    for (const auto& device : devices) {
        const auto id = to_hex(view(device.enrolment_id()));
        if (session.json) {
            out << apps::JsonLine()
                       .text("device", id)
                       .text("state", name_of_state(device.state()))
                       .text("service_number", device.service_number())
                       .text("name", device.display_name())
                       .text("unit", unit_text(device.unit()))
                       .text("app", device.app())
                       .number("grant_version", device.grant_version())
                       .number("bound_at_s", device.bound_at_s())
                       .number("not_after_s", device.not_after_s())
                       .str()
                << "\n";
        } else {
            out << id << "  " << name_of_state(device.state()) << "  " << device.service_number() << "  "
                << device.display_name() << "  " << unit_text(device.unit()) << "\n";
        }
    }
    return ok();
}

Result<void> issue_order(Session& session, OrderKind kind, const OrderOptions& options, std::ostream& out) {
    OrderRequest request;
    request.kind = kind;
    MELDER_TRY(request.target, parse_device(options.target));
    MELDER_CHECK(check_reason(options.reason));
    request.reason = options.reason;
    MELDER_CHECK(need_right(session, Right::revoke));
    MELDER_TRY(const auto statement, session.link->fetch_statement());
    request.now = statement.time;
    MELDER_TRY(const auto status, fetch_status(*session.link, request.target));
    MELDER_CHECK(check_changes_something(kind, status.device().state()));
    MELDER_TRY(auto order, make_order(session, std::move(request), options.second_key));
    if (!options.sign_request.empty()) {
        SignRequest file;
        const auto& device = status.device();
        file.items.push_back({.context = Context::order,
                              .document = std::move(order.document),
                              .reason_salt = order.reason_salt,
                              .reason = options.reason,
                              .about = device.display_name() + ", " + device.service_number()});
        return write_sign_request(session, options.sign_request, file, out);
    }
    MELDER_CHECK(put_orders(*session.link, {std::move(order.document)}));
    if (session.json) {
        out << apps::JsonLine()
                   .text("order", name_of(kind))
                   .text("device", options.target)
                   .number("counter", order.order.counter)
                   .str()
            << "\n";
        return ok();
    }
    out << name_of(kind) << " of " << options.target << " is in the order log\n";
    return ok();
}

Result<void> show_status(Session& session, std::ostream& out) {
    Frame request;
    request.mutable_status();
    MELDER_TRY(const auto reply, session.link->ask(std::move(request), Frame::kStatusReply));
    const auto& status = reply.status_reply();
    const auto days = (session.link->trust().fields().not_after - system_clock().wall()) / std::chrono::hours(24);
    if (session.json) {
        out << apps::JsonLine()
                   .text("server_version", status.server_version())
                   .number("devices_active", status.devices_active())
                   .number("devices_waiting", status.devices_waiting())
                   .number("devices_revoked", status.devices_revoked())
                   .number("officers", status.officers())
                   .number("log_size", status.log_size())
                   .number("trust_list_version", status.trust_list_version())
                   .number("trust_list_not_after_s", status.trust_list_not_after_s())
                   .number("grants_end_s", status.grants_end_s())
                   .flag("restored", status.restored())
                   .number("certificate_ends_s",
                           static_cast<std::uint64_t>(session.link->certificate_ends().value_or(UnixTime{}).seconds()))
                   .str()
            << "\n";
        return ok();
    }
    out << "server       " << status.server_version() << "\ndevices      " << status.devices_active() << " active, "
        << status.devices_waiting() << " waiting, " << status.devices_revoked() << " revoked\nofficers     "
        << status.officers() << "\norder log    " << status.log_size() << " entries\ntrust list   version "
        << status.trust_list_version() << ", ends in " << days << " days\n";
    if (status.grants_end_s() != 0) {
        const auto end = UnixTime::from_seconds(static_cast<std::int64_t>(status.grants_end_s()));
        out << "grants       one in a hundred has ended by " << date_text(end) << "\n";
    }
    if (const auto end = session.link->certificate_ends())
        out << "TLS          the certificate ends on " << date_text(*end) << "\n";
    if (status.restored()) out << "store        restored from a backup; docs/OPERATIONS.md, *Restore*\n";
    return ok();
}

}  // namespace melder::admin
