// Grants: parsing, encoding, and whose signature may say what.
#include <set>

#include "core/credential.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"
#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {

namespace {

Error refuse(const char* why) {
    return Error(Errc::malformed, std::string(why));
}

bool is_app(std::string_view app) {
    if (app.empty() || app.size() > limits::app_id_bytes) return false;
    return std::ranges::all_of(app,
                               [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

Result<void> check(const Grant& g) {
    if (g.enrolment_id.is_zero()) return refuse("a grant names an enrolment id");
    if (g.officer_id.is_zero()) return refuse("a grant names an officer id");
    if (g.replaces.size() > limits::replaced_per_grant) return refuse("a grant replaces too many devices");
    std::set<EnrolmentId> replaced{g.enrolment_id};
    for (const auto& id : g.replaces) {
        if (!replaced.insert(id).second) return refuse("a grant replaces itself or a device twice");
    }
    if (g.display_name.empty() || g.display_name.size() > limits::display_name_bytes ||
        !is_one_line_of_text(g.display_name)) {
        return refuse("a display name has 1 to 200 bytes of UTF-8 on one line");
    }
    if (g.service_number.size() > limits::service_number_bytes || !is_one_line_of_text(g.service_number)) {
        return refuse("a service number has at most 64 bytes of UTF-8 on one line");
    }
    if (g.unit.empty()) return refuse("a grant names a unit");
    std::set<Role> roles;
    for (const auto role : g.roles) {
        if (role != Role::member && role != Role::leader) return refuse("there is no such role");
        if (!roles.insert(role).second) return refuse("a role stands there twice");
    }
    if (!is_app(g.app)) return refuse("an app is named by 1 to 32 of a-z, 0-9 and -");
    if (g.version == 0) return refuse("a grant's version starts at 1");
    for (const auto t : {g.bind_before, g.not_before, g.not_after}) {
        if (!fits_the_wire(t)) return refuse("a time lies beyond any calendar");
    }
    if (g.not_after <= g.not_before) return refuse("a grant ends after it begins");
    if (g.not_after - g.not_before > Millis(limits::grant_longest)) return refuse("a grant lasts at most 400 days");
    return ok();
}

/// What a version changes against the one before, as the rights it takes.
std::set<Right> rights_for_change(const Grant& before, const Grant& after) {
    std::set<Right> rights;
    const bool named_otherwise = after.display_name != before.display_name ||
                                 after.service_number != before.service_number || after.unit != before.unit ||
                                 after.has(Role::member) != before.has(Role::member);
    const bool led_otherwise = after.has(Role::leader) != before.has(Role::leader);
    const bool lasts_longer = after.not_after > before.not_after || after.not_before < before.not_before;
    if (named_otherwise) rights.insert(Right::directory);
    if (led_otherwise) rights.insert(Right::leaders);
    if (lasts_longer || rights.empty()) rights.insert(Right::enrol);
    return rights;
}

Result<void> check_repeats(const Grant& before, const Grant& after) {
    if (after.version <= before.version) return Error(Errc::credential_invalid, "the grant's version did not grow");
    if (after.enrolment_id != before.enrolment_id || after.officer_id != before.officer_id || after.app != before.app ||
        after.enrolment_key != before.enrolment_key || after.replaces != before.replaces ||
        after.bind_before != before.bind_before) {
        return Error(Errc::credential_invalid, "a new grant version repeats who the device is");
    }
    return ok();
}

/// Any one of the rights that can make a grant version.
Result<void> verify_some_right(const SignedBytes& document, const TrustList& trust, std::uint64_t log_size) {
    Error first{};
    for (const auto right : {Right::enrol, Right::directory, Right::leaders}) {
        const auto verified = trust.verify_by_admins(document, Context::grant, right, 1, log_size);
        if (verified.has_value()) return ok();
        if (right == Right::enrol) first = verified.error();
    }
    return first;
}

}  // namespace

bool Grant::has(Role role) const {
    return std::ranges::find(roles, role) != roles.end();
}

Result<Grant> Grant::parse(BytesView body) {
    if (body.size() > limits::grant_bytes) return Errc::too_large;
    wire::Grant message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return Errc::malformed;
    Grant out;
    MELDER_TRY(out.enrolment_id, EnrolmentId::from(message.enrolment_id()));
    for (const auto& id : message.replaces()) {
        MELDER_TRY(const auto parsed, EnrolmentId::from(id));
        out.replaces.push_back(parsed);
    }
    MELDER_TRY(out.bind_before, time_from_s(message.bind_before_s()));
    MELDER_TRY(out.officer_id, OfficerId::from(message.officer_id()));
    out.display_name = message.display_name();
    out.service_number = message.service_number();
    MELDER_TRY(out.unit, UnitPath::from({message.unit().begin(), message.unit().end()}));
    for (const int role : message.roles())
        out.roles.push_back(static_cast<Role>(role));
    out.app = message.app().empty() ? std::string(default_app) : message.app();
    MELDER_TRY(out.enrolment_key, Ed25519Public::from(message.enrolment_key()));
    out.version = message.version();
    MELDER_TRY(out.not_before, time_from_s(message.not_before_s()));
    MELDER_TRY(out.not_after, time_from_s(message.not_after_s()));
    out.lowest_trust_list = message.lowest_trust_list();
    out.log_size = message.log_size();
    MELDER_TRY(out.log_head, Hash::from(message.log_head()));
    MELDER_CHECK(check(out));
    return out;
}

Result<Bytes> Grant::encode() const {
    MELDER_CHECK(check(*this));
    wire::Grant message;
    message.set_enrolment_id(enrolment_id.string());
    for (const auto& id : replaces)
        message.add_replaces(id.string());
    message.set_bind_before_s(seconds_on_wire(bind_before));
    message.set_officer_id(officer_id.string());
    message.set_display_name(display_name);
    message.set_service_number(service_number);
    for (const auto& id : unit.ids())
        message.add_unit(id);
    for (const auto role : roles)
        message.add_roles(static_cast<wire::Role>(role));
    message.set_app(app);
    message.set_enrolment_key(enrolment_key.string());
    message.set_version(version);
    message.set_not_before_s(seconds_on_wire(not_before));
    message.set_not_after_s(seconds_on_wire(not_after));
    message.set_lowest_trust_list(lowest_trust_list);
    message.set_log_size(log_size);
    message.set_log_head(log_head.string());
    auto body = to_bytes(view(message.SerializeAsString()));
    if (body.size() > limits::grant_bytes) return Errc::too_large;
    return body;
}

Result<Grant> verify_grant(const SignedBytes& document, const TrustList& trust, const Grant* previous) {
    MELDER_TRY(auto grant, Grant::parse(document.body));
    if (grant.lowest_trust_list > trust.version()) return Errc::trust_list_too_old;
    const auto signed_with = [&](Right right) {
        return trust.verify_by_admins(document, Context::grant, right, 1, grant.log_size);
    };
    if (previous != nullptr) {
        MELDER_CHECK(check_repeats(*previous, grant));
        for (const auto right : rights_for_change(*previous, grant))
            MELDER_CHECK(signed_with(right));
    } else if (grant.version == 1) {
        MELDER_CHECK(signed_with(Right::enrol));
        if (!grant.replaces.empty()) MELDER_CHECK(signed_with(Right::revoke));
    } else {
        // Whoever meets a later version first cannot tell what it changed; the keyserver and every reader who holds
        // an earlier one can, and do.
        MELDER_CHECK(verify_some_right(document, trust, grant.log_size));
    }
    return grant;
}

}  // namespace melder
