#include "keyserver/admission_logic.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::keyserver {
namespace {

/// One key alone has used up its hour.
bool above(const std::vector<KeyId>& signers, const SignerWindow& window, std::uint32_t ceiling, UnixTime now) {
    return std::ranges::any_of(signers, [&](const KeyId& key) { return window.count(key, now) >= ceiling; });
}

}  // namespace

bool may_grant(const std::vector<Right>& rights) {
    return std::ranges::any_of(rights, [](Right right) {
        return right == Right::enrol || right == Right::directory || right == Right::leaders;
    });
}

bool may_sign(const std::vector<Right>& rights) {
    return std::ranges::any_of(rights, [](Right right) { return right != Right::helpdesk; });
}

Result<void> verify_second_key(const SignedBytes& document, Context context, const TrustList& trust) {
    std::size_t verified = 0;
    for (const auto& id : signers_of(document, trust)) {
        const auto* admin = trust.find_admin(id);
        if (may_sign(admin->rights) && !trust.verify_signature(document, context, *admin).has_error()) ++verified;
    }
    if (verified < 2) return Errc::needs_more_signatures;
    return ok();
}

Result<void> judge_ceiling(const std::vector<KeyId>& signers, bool has_second_key, const SignerWindow& window,
                           std::uint32_t ceiling, UnixTime now) {
    if (!has_second_key && above(signers, window, ceiling, now)) return Errc::needs_more_signatures;
    return ok();
}

std::vector<KeyId> signers_of(const SignedBytes& document, const TrustList& trust) {
    std::vector<KeyId> signers;
    for (const auto& signature : document.signatures) {
        const auto* admin = trust.find_admin(signature.key_id);
        if (admin != nullptr && admin->state == KeyState::active) signers.push_back(signature.key_id);
    }
    return signers;
}

bool takes_away(const Grant& previous, const Grant& next) {
    const bool role_lost = std::ranges::any_of(previous.roles, [&](Role role) { return !next.has(role); });
    return role_lost || next.unit != previous.unit || next.not_after < previous.not_after;
}

Result<GrantVerdict> judge_grant(const SignedBytes& document, const TrustList& trust,
                                 const SignedBytes* previous_document, const Grant* previous,
                                 const SignerWindow& window, UnixTime now) {
    if (trust.expired(now)) return Errc::trust_list_expired;
    if (previous_document != nullptr && previous_document->body == document.body) {
        return GrantVerdict{.grant = *previous, .repeated = true};
    }
    if (previous == nullptr) {
        // "The second one refused": an enrolment id is never reused, so a version 2 of nothing is not believed.
        MELDER_TRY(const auto first, Grant::parse(document.body));
        if (first.version != 1) return Errc::unknown_device;
    }
    MELDER_TRY(auto grant, verify_grant(document, trust, previous));
    if (grant.lowest_trust_list > trust.version()) return Errc::trust_list_too_old;
    if (grant.not_after < now) return Errc::credential_expired;
    if (previous == nullptr) {
        const auto longest = std::min<Millis>(limits::code_validity_longest,
                                              std::chrono::seconds(trust.fields().longest_code_validity_s));
        if (grant.bind_before - now > longest) {
            return Error(Errc::bad_argument, "the code would be valid for longer than the trust list allows");
        }
    } else if (takes_away(*previous, grant)) {
        return Error(Errc::bad_argument, "a grant version that takes something away is issued as a supersede order");
    }
    if (above(signers_of(document, trust), window, limits::grants_per_hour_per_key, now)) {
        MELDER_CHECK(verify_second_key(document, Context::grant, trust));
    }
    return GrantVerdict{.grant = std::move(grant), .repeated = false};
}

Result<EnrolmentVerdict> judge_enrolment(const EnrolmentState* state, const SignedBinding& binding,
                                         const TrustList& trust, UnixTime now) {
    if (state == nullptr) return Errc::unknown_code;
    if (state->binding) {
        const bool in_service = state->standing == DeviceStanding::active && now <= state->not_after;
        if (*state->binding == sha256(binding.body)) {
            if (!in_service) return Errc::code_used;
            return EnrolmentVerdict::same_binding;
        }
        return in_service ? Errc::already_bound : Errc::code_used;
    }
    if (state->standing != DeviceStanding::active) return Errc::device_revoked;
    if (now > state->bind_before || now > state->not_after) return Errc::code_expired;
    if (trust.expired(now)) return Errc::trust_list_expired;
    MELDER_CHECK(verify_binding(binding, state->enrolment_key));
    return EnrolmentVerdict::bind;
}

Result<Order> judge_order(const SignedBytes& document, const TrustList& trust, const SignerWindow& window,
                          UnixTime now) {
    MELDER_TRY(auto order, Order::parse(document.body));
    if (order.kind == OrderKind::wipe || order.kind == OrderKind::appoint) return Errc::unsupported;
    if (trust.expired(now) && order.kind != OrderKind::revoke) return Errc::trust_list_expired;
    if (above(signers_of(document, trust), window, limits::orders_per_hour_unsupported_quorum, now)) {
        MELDER_CHECK(verify_second_key(document, Context::order, trust));
    }
    return order;
}

}  // namespace melder::keyserver
