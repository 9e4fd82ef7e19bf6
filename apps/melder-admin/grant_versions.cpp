#include "apps/melder-admin/grant_versions.hpp"

#include <unistd.h>

#include <iostream>

#include "apps/melder-admin/requests.hpp"

namespace melder::admin {
namespace {

using wire::Frame;

struct Draft {
    Grant before, next;
    SignedBytes document;
};

/// Counts on a terminal's standard error.
class Progress {
public:
    Progress(std::size_t total, const char* what)
        : total_(total), what_(what), shown_(total > 1 && ::isatty(STDERR_FILENO) == 1) {}
    ~Progress() {
        if (shown_ && done_ > 0) std::cerr << "\n";
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void step() {
        ++done_;
        if (shown_ && (done_ % 100 == 0 || done_ == total_)) std::cerr << "\r" << done_ << " of " << total_ << what_;
    }

private:
    std::size_t total_, done_ = 0;
    const char* what_;
    bool shown_;
};

void sign_all(SignedBytes& document, Context context, const Session& session, const VersionOptions& options) {
    sign(document, context, session.key);
    if (options.second_key != nullptr) sign(document, context, *options.second_key);
}

/// The supersede orders around the drafts, each on top of what the log says about its device.
Result<void> make_orders(Session& session, std::vector<Draft> drafts, UnixTime now, const VersionOptions& options,
                         GrantVersions& out) {
    std::vector<OrderRequest> requests(drafts.size());
    MELDER_CHECK(session.link->ask_many(
        drafts.size(),
        [&](std::size_t i) {
            Frame ask;
            ask.mutable_fetch_order_state()->set_target(drafts[i].next.enrolment_id.string());
            return ask;
        },
        Frame::kOrderState,
        [&](std::size_t i, const Frame& reply) -> Result<void> {
            requests[i].previous_counter = reply.order_state().counter();
            if (requests[i].previous_counter > 0) {
                MELDER_TRY(requests[i].previous, Hash::from(reply.order_state().last_sha256()));
            }
            return ok();
        }));
    std::vector<Home::NotedOrder> noted;
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        auto& request = requests[i];
        request.kind = OrderKind::supersede;
        request.target = drafts[i].next.enrolment_id;
        request.now = now;
        request.reason = options.reason;
        request.detail = drafts[i].document.encode();
        auto order = sign_order(request, {}, system_random());
        sign_all(order.document, Context::order, session, options);
        noted.push_back({order.order, order.reason_salt});
        out.orders.push_back({.context = Context::order,
                              .document = std::move(order.document),
                              .reason_salt = order.reason_salt,
                              .reason = options.reason});
    }
    return session.home.note_orders(noted, options.reason);
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
    std::vector<Draft> superseding;
    Progress progress(wishes.size(), " grants signed");
    MELDER_CHECK(session.link->ask_many(
        wishes.size(),
        [&](std::size_t i) {
            Frame ask;
            ask.mutable_fetch_grant()->set_enrolment_id(wishes[i].device.string());
            return ask;
        },
        Frame::kGrant,
        [&](std::size_t i, const Frame& reply) -> Result<void> {
            progress.step();
            MELDER_TRY(const auto present, SignedBytes::from(reply.grant().grant()));
            Draft draft;
            MELDER_TRY(draft.before, Grant::parse(present.body));
            if (draft.before.enrolment_id != wishes[i].device)
                return Error(Errc::malformed, "the server answered with another device's grant");
            if (wishes[i].change.changes_nothing(draft.before)) {
                ++out.unchanged;
                return ok();
            }
            MELDER_TRY(draft.next, next_version(draft.before, wishes[i].change, statement));
            MELDER_TRY(draft.document.body, draft.next.encode());
            sign_all(draft.document, Context::grant, session, options);
            if (takes_away(draft.before, draft.next)) {
                superseding.push_back(std::move(draft));
            } else {
                out.grants.push_back({.context = Context::grant, .document = std::move(draft.document)});
            }
            return ok();
        }));
    if (!superseding.empty()) {
        if (options.reason.empty()) {
            return Error(
                Errc::bad_argument,
                "this takes something away (unit, role or an earlier end), so it becomes an order in the log and "
                "needs --reason; nothing was changed");
        }
        MELDER_CHECK(check_reason(options.reason));
        MELDER_CHECK(make_orders(session, std::move(superseding), statement.time, options, out));
    }
    return out;
}

Result<void> enter_versions(Session& session, const GrantVersions& versions) {
    MELDER_CHECK(put_orders(*session.link, documents_of(versions.orders)));
    return put_grants(*session.link, documents_of(versions.grants),
                      "what was entered before stays; repeat the command");
}

}  // namespace melder::admin
