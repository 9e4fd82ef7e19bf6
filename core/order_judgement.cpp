#include "core/order_judgement.hpp"

#include "core/limits.hpp"
#include "core/order_draft.hpp"
#include "proto/trust.pb.h"

namespace melder {
namespace {

Error refuse(const char* why) {
    return Error(Errc::log_invalid, std::string(why));
}

/// The embedded grant of a supersede order, and an order signature by somebody who may make grant versions.
Result<SignedBytes> verify_supersede(const Order& order, const SignedBytes& document, const TrustList& trust,
                                     std::uint64_t log_size, const OrderBook::State& state) {
    MELDER_TRY(auto signed_grant, SignedBytes::parse(order.detail));
    MELDER_TRY(const auto grant, verify_grant(signed_grant, trust, nullptr));
    if (grant.enrolment_id != order.target) return refuse("the superseding grant is another device's");
    if (grant.version < 2) return refuse("the first version of a grant supersedes nothing");
    if (state.superseding_grant) {
        MELDER_TRY(const auto before, Grant::parse(state.superseding_grant->body));
        if (grant.version <= before.version || grant.officer_id != before.officer_id || grant.app != before.app ||
            grant.enrolment_key != before.enrolment_key) {
            return refuse("the superseding grant does not follow the one before");
        }
    }
    for (const auto right : {Right::directory, Right::leaders, Right::enrol}) {
        if (trust.verify_by_admins(document, Context::order, right, 1, log_size).has_value()) return signed_grant;
    }
    return Errc::missing_right;
}

Result<void> verify_signatures(OrderKind kind, const SignedBytes& document, const TrustList& trust,
                               std::uint64_t log_size) {
    switch (kind) {
        case OrderKind::revoke:
        case OrderKind::suspend:
            return trust.verify_by_admins(document, Context::order, Right::revoke, 1, log_size);
        case OrderKind::restore:
            return trust.verify_by_admins(document, Context::order, Right::revoke, limits::restore_quorum, log_size);
        case OrderKind::wipe:
        case OrderKind::appoint:
            return trust.verify_by_admins(document, Context::order, Right::wipe, trust.fields().wipe_quorum, log_size);
        case OrderKind::supersede:
            return ok();  // its rights depend on the grant: verify_supersede
    }
    return Errc::malformed;
}

}  // namespace

Result<JudgedOrder> judge_order(const SignedBytes& document, const TrustList& trust, const OrderDraft& draft) {
    JudgedOrder out;
    const auto log_size = draft.size();
    MELDER_TRY(out.order, Order::parse(document.body));
    out.hash = document.body_hash();
    MELDER_CHECK(verify_signatures(out.order.kind, document, trust, log_size));
    const auto& state = draft.state(out.order.target);
    if (out.order.counter != state.counter + 1) return refuse("the order's counter does not follow the one before");
    if (out.order.previous != state.last_order) return refuse("the order does not name the one before");
    if (out.order.kind == OrderKind::supersede) {
        MELDER_TRY(out.superseding_grant, verify_supersede(out.order, document, trust, log_size, state));
    }
    if (out.order.kind == OrderKind::restore && state.standing == DeviceStanding::replaced) {
        return refuse("a replaced device is not restored");
    }
    return out;
}

Result<JudgedItem> judge_item(const wire::LogEntry& entry, const TrustList& trust, const OrderDraft& draft) {
    switch (entry.item_case()) {
        case wire::LogEntry::kOrder: {
            const auto document = SignedBytes::from(entry.order());
            if (document.has_error()) return refuse("an order cannot be read");
            auto judged = judge_order(*document, trust, draft);
            if (judged.has_value()) return JudgedItem(std::move(*judged));
            if (judged.error().code() == Errc::log_invalid) return judged.error();
            return refuse("an order is malformed or lacks its signatures");
        }
        case wire::LogEntry::kReplacing: {
            const auto credential = Credential::verify(entry.replacing(), trust);
            if (credential.has_error()) return refuse("a replacing credential does not verify");
            const auto& grant = credential->grant();
            if (grant.replaces.empty()) return refuse("a replacing entry replaces nothing");
            const auto document = SignedBytes::from(entry.replacing().grant());
            if (document.has_error() ||
                trust.verify_by_admins(*document, Context::grant, Right::revoke, 1, grant.log_size).has_error()) {
                return refuse("a replacing grant lacks the signature that revokes");
            }
            return JudgedItem(JudgedReplacing{grant.replaces, grant.enrolment_id});
        }
        case wire::LogEntry::kTrustList:
            // The list itself is signed by the root keys and judged by TrustList.
            if (entry.trust_list().version() == 0 || Hash::from(entry.trust_list().sha256()).has_error())
                return refuse("a trust list entry is malformed");
            if (entry.trust_list().version() > trust.version()) return Errc::trust_list_too_old;
            return JudgedItem();
        case wire::LogEntry::ITEM_NOT_SET:
            break;
    }
    return refuse("an entry of a kind this version does not know");
}

DeviceStanding standing_after(OrderKind kind, DeviceStanding before) {
    switch (kind) {
        case OrderKind::revoke:
            return before == DeviceStanding::replaced ? before : DeviceStanding::revoked;
        case OrderKind::suspend:
            return before == DeviceStanding::active ? DeviceStanding::suspended : before;
        case OrderKind::restore:
            return DeviceStanding::active;
        case OrderKind::supersede:
        case OrderKind::wipe:
        case OrderKind::appoint:
            break;
    }
    return before;
}

}  // namespace melder
