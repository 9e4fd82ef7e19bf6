#include "apps/melder-admin/grant_versions.hpp"

#include <optional>

#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/sign_many.hpp"

namespace melder::admin {
namespace {

struct Draft {
    Grant before, next;
    OrderRequest order;  ///< of a version that takes something away
    bool superseding = false;
};

void sign_all(SignedBytes& document, Context context, const Session& session, const VersionOptions& options) {
    sign(document, context, session.key);
    if (options.second_key != nullptr) sign(document, context, *options.second_key);
}

/// What is made of one draft; `noted` for the journal.
struct Signed {
    SignItem item;
    std::optional<Home::NotedOrder> noted;
};

Result<Signed> sign_draft(const Draft& draft, const Session& session, const VersionOptions& options) {
    Signed out;
    SignedBytes grant;
    MELDER_TRY(grant.body, draft.next.encode());
    sign_all(grant, Context::grant, session, options);
    if (!draft.superseding) {
        out.item.context = Context::grant;
        out.item.document = std::move(grant);
        return out;
    }
    auto request = draft.order;
    request.detail = grant.encode();
    auto order = sign_order(request, {}, system_random());
    sign_all(order.document, Context::order, session, options);
    out.noted = Home::NotedOrder{order.order, order.reason_salt};
    out.item = {.context = Context::order,
                .document = std::move(order.document),
                .reason_salt = order.reason_salt,
                .reason = options.reason};
    return out;
}

std::vector<SignedBytes> documents_of(const std::vector<SignItem>& items) {
    std::vector<SignedBytes> out;
    out.reserve(items.size());
    for (const auto& item : items)
        out.push_back(item.document);
    return out;
}

}  // namespace

Result<GrantVersions> make_versions(Session& session, const std::vector<GrantWish>& wishes,
                                    const VersionOptions& options) {
    MELDER_TRY(const auto statement, session.link->fetch_statement());
    GrantVersions out;
    std::vector<EnrolmentId> devices;
    devices.reserve(wishes.size());
    for (const auto& wish : wishes)
        devices.push_back(wish.device);
    std::vector<std::optional<Draft>> drafts(wishes.size());
    bool takes_something = false;
    MELDER_CHECK(fetch_order_states(
        *session.link, devices, true, [&](std::size_t i, const wire::TargetState& state) -> Result<void> {
            if (state.code() != 0) return is_known(state.code()) ? static_cast<Errc>(state.code()) : Errc::internal;
            MELDER_TRY(const auto present, SignedBytes::from(state.grant()));
            Draft draft;
            MELDER_TRY(draft.before, Grant::parse(present.body));
            if (draft.before.enrolment_id != devices[i])
                return Error(Errc::malformed, "the server answered with another device's grant");
            if (wishes[i].change.changes_nothing(draft.before)) {
                ++out.unchanged;
                return ok();
            }
            MELDER_TRY(draft.next, next_version(draft.before, wishes[i].change, statement));
            draft.superseding = takes_away(draft.before, draft.next);
            takes_something |= draft.superseding;
            draft.order.kind = OrderKind::supersede;
            draft.order.target = devices[i];
            draft.order.now = statement.time;
            draft.order.reason = options.reason;
            draft.order.previous_counter = state.counter();
            if (state.counter() > 0) {
                MELDER_TRY(draft.order.previous, Hash::from(std::string_view(state.last_sha256())));
            }
            drafts[i] = std::move(draft);
            return ok();
        }));
    if (takes_something) {
        if (options.reason.empty()) {
            return Error(
                Errc::bad_argument,
                "this takes something away (unit, role or an earlier end), so it becomes an order in the log and "
                "needs --reason; nothing was changed");
        }
        MELDER_CHECK(check_reason(options.reason));
    }
    std::erase_if(drafts, [](const auto& draft) { return !draft; });
    std::vector<std::optional<Result<Signed>>> made(drafts.size());
    MELDER_CHECK(sign_many(session, drafts.size(), " grants signed",
                           [&](std::size_t i) { made[i] = sign_draft(*drafts[i], session, options); }));
    std::vector<Home::NotedOrder> noted;
    for (auto& one : made) {
        MELDER_TRY(auto document, std::move(*one));
        if (document.noted) noted.push_back(std::move(*document.noted));
        (document.item.context == Context::order ? out.orders : out.grants).push_back(std::move(document.item));
    }
    MELDER_CHECK(session.home.note_orders(noted, options.reason));
    return out;
}

Result<void> enter_versions(Session& session, const GrantVersions& versions) {
    MELDER_CHECK(put_orders(*session.link, documents_of(versions.orders)));
    return put_grants(*session.link, documents_of(versions.grants),
                      "what was entered before stays; repeat the command");
}

}  // namespace melder::admin
