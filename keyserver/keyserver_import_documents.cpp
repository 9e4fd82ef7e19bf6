// Orders and grants of an import. Signatures, rights and places are judged while the parts come, 100 documents or so at
// a time, so that other requests have their turn in between; the commit judges what may have changed since: ceilings,
// and the devices that somebody else wrote.

#include "keyserver/keyserver.hpp"
#include "keyserver/log_draft.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

/// Counts by nobody: ceilings are judged apart.
const SignerWindow no_window;

Result<EnrolmentId> device_of(bool is_order, const SignedBytes& document) {
    if (is_order) {
        MELDER_TRY(const auto order, Order::parse(document.body));
        return order.target;
    }
    MELDER_TRY(const auto grant, Grant::parse(document.body));
    return grant.enrolment_id;
}

/// What a retired key signed counts below a size of the log, so it is judged at the commit's size.
bool retired_signed(const SignedBytes& document, const TrustList& trust) {
    return std::ranges::any_of(document.signatures, [&](const SignedBytes::Signature& signature) {
        const auto* const admin = trust.find_admin(signature.key_id);
        return admin != nullptr && admin->state == KeyState::retired;
    });
}

Result<void> count(const ImportStage::Document& document, SignerWindow& orders, SignerWindow& grants, UnixTime now) {
    if (document.repeated) return ok();
    auto& window = document.order ? orders : grants;
    MELDER_CHECK(judge_ceiling(
        document.signers, document.has_second_key, window,
        document.order ? limits::orders_per_hour_unsupported_quorum : limits::grants_per_hour_per_key, now));
    for (const auto& key : document.signers)
        window.add(key, now);
    return ok();
}

Result<server::DeviceRow> known(std::optional<server::DeviceRow> row) {
    if (!row) return Errc::unknown_device;
    return std::move(*row);
}

}  // namespace

Result<ImportStage::Document> Keyserver::judge_staged(bool is_order, const SignedBytes& document,
                                                      const TrustList& trust, Result<server::DeviceRow> present) {
    ImportStage::Document out;
    out.signers = signers_of(document, trust);
    out.has_second_key = !verify_second_key(document, is_order ? Context::order : Context::grant, trust).has_error();
    if (is_order) {
        MELDER_CHECK(judge_order(document, trust, no_window, clock_.wall()));
        MELDER_CHECK(present);
        MELDER_TRY(out.order, book_.check_order(document, trust));
        out.row = std::move(*present);
        MELDER_CHECK(carry_out(*out.order, out.row, trust));
        return out;
    }
    const auto version_before = present.has_value() ? present->grant_version : 0;
    MELDER_TRY(auto judged, judge_one(document, trust, no_window, std::move(present)));
    out.repeated = judged.first.grant_version == version_before;
    out.grant = document;
    out.row = std::move(judged.first);
    out.number = judged.second;
    return out;
}

Result<void> Keyserver::stage_documents(ImportStage::Import& import, const wire::StageDirectory& request) {
    if (request.orders_size() + request.grants_size() == 0) return ok();
    if (!import.trust) {
        import.trust = trust_;
        import.orders_signed = orders_signed_;
        import.grants_signed = grants_signed_;
    }
    if (import.trust != trust_) return Errc::out_of_order;
    std::vector<std::pair<bool, SignedBytes>> documents;
    std::vector<EnrolmentId> devices;
    const auto read = [&](bool is_order, const wire::Signed& message) -> Result<void> {
        MELDER_TRY(auto document, SignedBytes::from(message));
        MELDER_TRY(const auto device, device_of(is_order, document));
        if (!import.places.emplace(device, import.documents.size() + documents.size()).second) {
            return Error(Errc::malformed, "an import holds one document of a device");
        }
        documents.emplace_back(is_order, std::move(document));
        devices.push_back(device);
        return ok();
    };
    for (const auto& message : request.orders())
        MELDER_CHECK(read(true, message));
    for (const auto& message : request.grants())
        MELDER_CHECK(read(false, message));
    MELDER_TRY(auto rows, load_devices(devices));
    const auto trust = trust_->remembering();
    for (std::size_t i = 0; i < documents.size(); ++i) {
        const auto& [is_order, document] = documents[i];
        MELDER_TRY(auto judged, judge_staged(is_order, document, trust, known(std::move(rows[i]))));
        // Judged again by the commit; here so that nobody uploads everything to hear it.
        MELDER_CHECK(count(judged, import.orders_signed, import.grants_signed, clock_.wall()));
        if (retired_signed(document, trust)) import.stale.insert(devices[i]);
        import.documents.push_back(std::move(judged));
    }
    return ok();
}

Result<void> Keyserver::judge_stale(ImportStage::Import& import) {
    const auto trust = trust_->remembering();
    for (const auto& device : import.stale) {
        auto& staged = import.documents[import.places.at(device)];
        const auto document = staged.order ? staged.order->document() : staged.grant;
        MELDER_TRY(staged, judge_staged(staged.order.has_value(), document, trust, load_device(device)));
    }
    return ok();
}

Result<wire::DirectoryCommitted> Keyserver::commit_import(ImportStage::Import import) {
    const auto now = clock_.wall();
    if (import.trust) {
        if (import.trust != trust_) return Errc::out_of_order;
        const auto outlives_the_list = [](const ImportStage::Document& document) {
            return document.order && document.order->kind() == OrderKind::revoke;
        };
        if (trust_->expired(now) && !std::ranges::all_of(import.documents, outlives_the_list))
            return Errc::trust_list_expired;
        MELDER_CHECK(judge_stale(import));
    }
    auto orders_signed = orders_signed_;
    auto grants_signed = grants_signed_;
    LogDraft draft(book_);
    draft.change = std::move(import.change);
    const bool names = !draft.change.officers.empty() || !draft.change.units.empty();
    wire::DirectoryCommitted reply;
    for (auto& document : import.documents) {
        MELDER_CHECK(count(document, orders_signed, grants_signed, now));
        if (document.repeated) continue;
        if (document.order) {
            MELDER_TRY(auto entry, draft.book.place(*document.order, now));
            draft.entries.push_back(std::move(entry));
            if (document.row.standing == DeviceStanding::replaced) draft.ended.push_back(document.row.device);
            reply.set_orders(reply.orders() + 1);
        } else {
            reply.set_grants(reply.grants() + 1);
        }
        if (document.number) draft.change.numbers.push_back(*document.number);
        draft.add(std::move(document.row));
    }
    if (reply.grants() > 0) draft.change.grants_signed = grants_signed.counts(now);
    import.documents.clear();
    if (names) ++directory_version_;
    MELDER_CHECK(commit(std::move(draft)));
    orders_signed_ = std::move(orders_signed);
    grants_signed_ = std::move(grants_signed);
    reply.set_log_size(book_.size());
    return reply;
}

}  // namespace melder::keyserver
