// What the directory says about a text, as far as certificates bear it out.

#include "core/limits.hpp"
#include "sdk/account/engine.hpp"

namespace melder::sdk {
namespace {

wire::Frame frame_of(const SearchQuery& query) {
    wire::Frame frame;
    auto& search = *frame.mutable_search_officers();
    search.set_text(query.text);
    search.set_limit(static_cast<std::uint32_t>(query.limit));
    if (query.after) search.set_after(query.after->string());
    return frame;
}

}  // namespace

/// A page on its way from the server to the app.
struct Engine::FoundPage {
    wire::OfficersFound found;
    int judged = 0;
    OfficersPage page;
};

void Engine::search(SearchQuery query, OperationPtr<OfficersPage> operation) {
    if (closed_) return operation->end(Errc::closed);
    if (!credential_) return operation->end(Errc::not_enrolled);
    if (query.text.empty() || query.text.size() > limits::search_text_bytes || query.limit == 0 ||
        query.limit > limits::search_page) {
        return operation->end(Errc::bad_argument);
    }
    const auto limit = static_cast<int>(query.limit);
    link_->request(frame_of(query), [self = weak_from_this(), operation, limit](Result<wire::Frame> reply) {
        const auto engine = self.lock();
        if (!engine || engine->closed_) return operation->end(Errc::closed);
        if (reply.has_error()) return operation->end(reply.error());
        if (!reply->has_officers_found() || reply->officers_found().credentials_size() > limit)
            return operation->end(Errc::malformed);
        auto page = std::make_shared<FoundPage>();
        page->found = std::move(*reply->mutable_officers_found());
        engine->judge_found(page, operation);
    });
}

/// In slices: each certificate is four signatures, and the lane has other work.
void Engine::judge_found(const std::shared_ptr<FoundPage>& page, const OperationPtr<OfficersPage>& operation) {
    if (closed_) return operation->end(Errc::closed);
    if (operation->over()) return;
    const auto& credentials = page->found.credentials();
    for (int i = 0; i < limits::found_per_slice && page->judged < credentials.size(); ++i) {
        const auto judged = judge_one_found(credentials[page->judged++], page->page);
        if (judged.has_error()) return operation->end(judged.error());
    }
    if (page->judged < credentials.size()) {
        return places_.lane.post([self = weak_from_this(), page, operation] {
            const auto engine = self.lock();
            if (!engine) return operation->end(Errc::closed);
            engine->judge_found(page, operation);
        });
    }
    if (const auto& next = page->found.next(); !next.empty()) {
        const auto officer = OfficerId::from(next);
        if (officer.has_error()) return operation->end(officer.error());
        page->page.next = *officer;
    }
    operation->end(std::move(page->page));
}

Result<void> Engine::judge_one_found(const wire::Credential& encoded, OfficersPage& page) {
    wire::Devices one;
    *one.add_credentials() = encoded;
    MELDER_TRY(const auto document, SignedBytes::from(encoded.grant()));
    MELDER_TRY(const auto grant, Grant::parse(document.body));
    one.set_officer_id(grant.officer_id.string());  // which the certificate then has to bear out
    MELDER_TRY(const auto active, judge_devices(one));
    for (const auto& credential : active) {  // none if this phone knows better, by a newer order log
        for (const auto& before : page.officers) {
            if (before.officer == credential.officer())
                return Error(Errc::malformed, "the server named an officer twice");
        }
        page.officers.push_back(describe(credential));
    }
    return ok();
}

}  // namespace melder::sdk
