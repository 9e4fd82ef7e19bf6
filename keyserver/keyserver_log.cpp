// The order log: orders, replacing bindings, trust lists.

#include "keyserver/keyserver.hpp"
#include "keyserver/log_draft.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

Bytes serialised(const google::protobuf::MessageLite& message) {
    return to_bytes(view(message.SerializeAsString()));
}

}  // namespace

Result<server::DeviceRow*> Keyserver::draft_device(LogDraft& draft, const EnrolmentId& device) {
    if (auto* const row = draft.find(device)) return row;
    MELDER_TRY(auto row, load_device(device));
    return &draft.add(std::move(row));
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
    MELDER_TRY(auto* const row, draft_device(draft, order.target));
    MELDER_TRY(const auto checked, draft.book.check_order(document, trust));
    MELDER_TRY(auto entry, draft.book.place(checked, clock_.wall()));
    draft.entries.push_back(std::move(entry));
    if (checked.standing_after() == DeviceStanding::replaced) draft.ended.push_back(order.target);
    return carry_out(checked, *row, trust);
}

/// What an order that is in the log means for its device.
Result<void> Keyserver::carry_out(const CheckedOrder& order, server::DeviceRow& row, const TrustList& trust) {
    row.standing = order.standing_after();
    if (!order.superseding_grant()) return ok();
    return supersede(row, *order.superseding_grant(), trust, false);
}

Result<void> Keyserver::commit(LogDraft draft) {
    if (!copy_lag_.empty()) {
        // The second place comes first again, or nothing more is accepted.
        MELDER_CHECK(copy_->append(copy_lag_));
        copy_lag_.clear();
    }
    // A full disk shows before anything was changed.
    MELDER_CHECK(copy_->reserve(OrderLogCopy::bytes_of(draft.entries)));
    draft.change.log = server::LogAppend{.expected_size = draft.expected_size, .entries = draft.entries};
    if (draft.change.officers.empty() && draft.change.units.empty()) {
        MELDER_CHECK(commit_change(std::move(draft.change)));
    } else {
        MELDER_CHECK(commit_names(std::move(draft.change)));
    }
    const auto copied = copy_->append(draft.entries);
    if (copied.has_error()) copy_lag_ = draft.entries;
    {
        // It is in the store, so it counts, even if the second place failed and the administrator is told so.
        const std::unique_lock lock(mutex_);
        if (draft.read_again) book_ = std::move(*draft.read_again);
        book_.absorb(std::move(draft.book));
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
    if (!may_sign(peer.rights)) return Errc::missing_right;
    if (request.orders_size() == 0) return Errc::malformed;
    LogDraft draft(book_);
    const auto trust = trust_->remembering();
    auto window = orders_signed_;
    std::swap(window, orders_signed_);  // counted while judging, forgotten if refused
    const auto judged = [&]() -> Result<void> {
        for (const auto& message : request.orders()) {
            MELDER_TRY(const auto document, SignedBytes::from(message));
            MELDER_CHECK(draft_order(draft, document, trust));
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
    draft.read_again = std::make_unique<OrderBook>();
    auto& book = *draft.read_again;
    MELDER_TRY(const auto ignored, read_log(book, draft.expected_size, trust));
    for (const auto& target : book.targets()) {
        if (book.standing(target) == book_.standing(target)) continue;
        auto row = draft_device(draft, target);
        if (row.has_error() && row.error() == Errc::unknown_device) continue;
        MELDER_CHECK(row);
        (*row)->standing = book.standing(target);
        if ((*row)->standing == DeviceStanding::replaced) draft.ended.push_back(target);
    }
    draft.book = OrderDraft(book);
    MELDER_CHECK(judge_grants_again(draft, trust));
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

Result<wire::OrderStates> Keyserver::fetch_order_states(const server::Peer& peer,
                                                        const wire::FetchOrderStates& request) const {
    if (request.with_grants() && !may_grant(peer.rights)) return Errc::missing_right;
    if (static_cast<std::size_t>(request.targets_size()) > limits::order_states_per_request) return Errc::too_large;
    std::vector<EnrolmentId> targets;
    for (const auto& target : request.targets()) {
        MELDER_TRY(const auto id, EnrolmentId::from(std::string_view(target)));
        targets.push_back(id);
    }
    std::vector<std::optional<server::DeviceRow>> rows(targets.size());
    if (request.with_grants()) {
        MELDER_TRY(rows, load_devices(targets));
    }
    wire::OrderStates reply;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        wire::TargetState entry;
        if (rows[i]) {
            MELDER_TRY(const auto grant, open_grant(*rows[i]));
            *entry.mutable_grant() = grant.to_wire();
        } else if (request.with_grants()) {
            entry.set_code(static_cast<std::uint32_t>(Errc::unknown_device));
        }
        {
            const std::shared_lock lock(mutex_);
            const auto& state = book_.state(targets[i]);
            entry.set_counter(state.counter);
            if (state.last_order) entry.set_last_sha256(state.last_order->string());
        }
        bytes += entry.ByteSizeLong() + 4;
        if (bytes > limits::order_states_bytes && i > 0) break;
        *reply.add_states() = std::move(entry);
    }
    return reply;
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
