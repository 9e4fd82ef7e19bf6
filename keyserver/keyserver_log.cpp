// The order log: orders, replacing bindings, trust lists.

#include "keyserver/keyserver.hpp"
#include "keyserver/log_draft.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

Bytes serialised(const google::protobuf::MessageLite& message) {
    return to_bytes(view(message.SerializeAsString()));
}

bool may_order(const server::Peer& peer) {
    return std::ranges::any_of(peer.rights, [](Right right) { return right != Right::helpdesk; });
}

}  // namespace

Result<server::DeviceRow*> Keyserver::draft_device(LogDraft& draft, const EnrolmentId& device) {
    auto& rows = draft.change.devices;
    const auto found = std::ranges::find(rows, device, &server::DeviceRow::device);
    if (found != rows.end()) return &*found;
    MELDER_TRY(auto row, load_device(device));
    rows.push_back(std::move(row));
    return &rows.back();
}

Result<void> Keyserver::draft_entry(LogDraft& draft, const wire::LogEntry& entry, const TrustList& trust) {
    auto bytes = serialised(entry);
    if (bytes.size() > limits::log_entry_bytes) return Errc::too_large;
    MELDER_TRY(const auto effect, draft.book.apply(bytes, trust));
    if (effect != OrderBook::Effect::applied) return Error(Errc::unknown_signer, "the signing key is distrusted");
    draft.entries.push_back(std::move(bytes));
    return draft_consequences(draft, entry, trust);
}

/// What an applied entry means for devices. A device the store does not know (restored) is left to the book.
Result<void> Keyserver::draft_consequences(LogDraft& draft, const wire::LogEntry& entry, const TrustList& trust) {
    const auto set_standing = [&](const EnrolmentId& device) -> Result<void> {
        auto row = draft_device(draft, device);
        if (row.has_error()) return row.error() == Errc::unknown_device ? ok() : Result<void>(row.error());
        (*row)->standing = draft.book.standing(device);
        if ((*row)->standing == DeviceStanding::replaced) draft.ended.push_back(device);
        return ok();
    };
    if (entry.has_replacing()) {
        MELDER_TRY(const auto credential, Credential::verify(entry.replacing(), trust));
        if (draft.replays) MELDER_CHECK(draft_presented(draft, entry.replacing(), credential, trust));
        for (const auto& replaced : credential.grant().replaces)
            MELDER_CHECK(set_standing(replaced));
        return ok();
    }
    if (!entry.has_order()) return ok();
    MELDER_TRY(const auto document, SignedBytes::from(entry.order()));
    MELDER_TRY(const auto order, Order::parse(document.body));
    MELDER_CHECK(set_standing(order.target));
    if (order.kind != OrderKind::supersede) return ok();
    auto row = draft_device(draft, order.target);
    if (row.has_error()) return row.error() == Errc::unknown_device ? ok() : Result<void>(row.error());
    MELDER_TRY(const auto next_document, SignedBytes::parse(order.detail));
    return supersede(**row, next_document, trust, draft.replays);
}

Result<void> Keyserver::draft_order(LogDraft& draft, const SignedBytes& document, const TrustList& trust) {
    MELDER_TRY(const auto order, judge_order(document, trust, orders_signed_, clock_.wall()));
    MELDER_CHECK(load_device(order.target));
    MELDER_CHECK(draft.book.check_order(document, trust));
    wire::LogEntry entry;
    entry.set_index(draft.book.size());
    entry.set_time_s(static_cast<std::uint64_t>(clock_.wall().seconds()));
    *entry.mutable_order() = document.to_wire();
    return draft_entry(draft, entry, trust);
}

Result<void> Keyserver::commit(LogDraft draft) {
    if (!copy_lag_.empty()) {
        // The second place comes first again, or nothing more is accepted.
        MELDER_CHECK(copy_->append(copy_lag_));
        copy_lag_.clear();
    }
    draft.change.log = server::LogAppend{.expected_size = draft.expected_size, .entries = draft.entries};
    MELDER_CHECK(commit_change(std::move(draft.change)));
    const auto copied = copy_->append(draft.entries);
    if (copied.has_error()) copy_lag_ = draft.entries;
    {
        // It is in the store, so it counts, even if the second place failed and the administrator is told so.
        const std::unique_lock lock(mutex_);
        book_ = std::move(draft.book);
        if (draft.trust) trust_ = std::move(draft.trust);
    }
    tick();
    if (!draft.ended.empty()) {
        {
            const std::lock_guard lock(levels_mutex_);
            for (const auto& device : draft.ended)
                levels_.erase(device);
        }
        MELDER_CHECK(wait_for<void>(
            [&](auto executor, auto done) { store_.remove_prekeys(std::move(draft.ended), executor, done); }));
    }
    return copied;
}

Result<void> Keyserver::put_orders(const server::Peer& peer, const wire::PutOrders& request) {
    if (!may_order(peer)) return Errc::missing_right;
    if (request.orders_size() == 0) return Errc::malformed;
    LogDraft draft(book_);
    auto window = orders_signed_;
    std::swap(window, orders_signed_);  // counted while judging, forgotten if refused
    const auto judged = [&]() -> Result<void> {
        for (const auto& message : request.orders()) {
            MELDER_TRY(const auto document, SignedBytes::from(message));
            MELDER_CHECK(draft_order(draft, document, *trust_));
            for (const auto& key : signers_of(document, *trust_))
                orders_signed_.add(key, clock_.wall());
        }
        return commit(std::move(draft));
    }();
    if (judged.has_error()) {
        orders_signed_ = std::move(window);
        log_.warn("orders_refused", {{"admin", peer.admin_key}, {"code", judged.error().code()}});
        return judged;
    }
    log_.info("orders_accepted",
              {{"admin", peer.admin_key}, {"count", request.orders_size()}, {"log_size", book_.size()}});
    return ok();
}

/// Keys changed their state or their rights: the whole log is read under the new list, and the standings that follow
/// replace those that followed from the old one.
Result<void> Keyserver::judge_again(LogDraft& draft, const TrustList& trust) {
    OrderBook book;
    MELDER_TRY(const auto ignored, read_log(book, draft.expected_size, trust));
    for (const auto& target : book.targets()) {
        if (book.standing(target) == draft.book.standing(target)) continue;
        auto row = draft_device(draft, target);
        if (row.has_error() && row.error() == Errc::unknown_device) continue;
        MELDER_CHECK(row);
        (*row)->standing = book.standing(target);
        if ((*row)->standing == DeviceStanding::replaced) draft.ended.push_back(target);
    }
    const auto before = std::exchange(draft.book, std::move(book));
    MELDER_CHECK(judge_grants_again(draft, before, trust));
    log_.warn("order_log_judged_again", {{"entries", draft.expected_size}, {"ignored", ignored}});
    return ok();
}

Result<void> Keyserver::put_trust_list(const SignedBytes& document) {
    MELDER_TRY(auto verified, TrustList::verify(document, config_.roots));
    MELDER_CHECK(verified.may_follow(*trust_));
    if (trust_stored_ && verified.version() == trust_->version()) return ok();
    if (!names(verified, statement_key())) {
        return Error(
            Errc::not_allowed,
            "the list does not name the statement key that this server signs with; no client would believe it");
    }
    const auto list = std::make_shared<const TrustList>(std::move(verified));
    LogDraft draft(book_);
    if (!list->judges_like(*trust_)) MELDER_CHECK(judge_again(draft, *list));
    wire::LogEntry entry;
    entry.set_index(draft.book.size());
    entry.set_time_s(static_cast<std::uint64_t>(clock_.wall().seconds()));
    entry.mutable_trust_list()->set_version(list->version());
    entry.mutable_trust_list()->set_sha256(list->hash().string());
    MELDER_CHECK(draft_entry(draft, entry, *list));
    draft.change.trust_list = document.encode();
    draft.trust = list;
    MELDER_CHECK(commit(std::move(draft)));
    trust_stored_ = true;
    log_.info("trust_list_in_force", {{"version", list->version()}});
    if (on_trust_list) on_trust_list();
    return ok();
}

Result<wire::LogPage> Keyserver::fetch_log(const wire::FetchLog& request) const {
    const auto limit = std::min<std::size_t>(request.limit() == 0 ? limits::log_entries_per_page : request.limit(),
                                             limits::log_entries_per_page);
    MELDER_TRY(const auto entries, wait_for<std::vector<Bytes>>([&](auto executor, auto done) {
                   store_.load_log(request.from_index(), limit, executor, done);
               }));
    wire::LogPage page;
    std::uint64_t size = 0;
    {
        const std::shared_lock lock(mutex_);
        size = book_.size();
    }
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < entries.size() && request.from_index() + i < size; ++i) {
        bytes += entries[i].size() + 8;
        // A reply is one frame of at most a message; one entry always fits.
        if (bytes > limits::message_bytes / 2 && i > 0) break;
        page.add_entries(to_string(entries[i]));
    }
    page.set_log_size(size);
    return page;
}

Result<wire::OrderState> Keyserver::fetch_order_state(const wire::FetchOrderState& request) const {
    MELDER_TRY(const auto target, EnrolmentId::from(std::string_view(request.target())));
    wire::OrderState reply;
    const std::shared_lock lock(mutex_);
    const auto& state = book_.state(target);
    reply.set_counter(state.counter);
    if (state.last_order) reply.set_last_sha256(state.last_order->string());
    reply.set_log_size(book_.size());
    reply.set_log_head(book_.head().string());
    return reply;
}

}  // namespace melder::keyserver
