#include "core/order_log.hpp"

#include <variant>

#include "core/limits.hpp"
#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {

namespace {

Error refuse(const char* why) {
    return Error(Errc::log_invalid, std::string(why));
}

bool is_kind(int kind) {
    return kind >= 1 && kind <= 6;
}

/// What the book does about an order whose signatures and place in the chain are right.
struct Judged {
    Order order;
    Hash hash;  ///< what the target's next order names
    std::optional<SignedBytes> superseding_grant;
};
struct Replacing {
    std::vector<EnrolmentId> replaced;
    EnrolmentId by;
};
using Item = std::variant<std::monostate, Judged, Replacing>;

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

Result<Judged> judge(const SignedBytes& document, const TrustList& trust, std::uint64_t log_size,
                     const OrderBook& book) {
    Judged out;
    MELDER_TRY(out.order, Order::parse(document.body));
    out.hash = document.body_hash();
    MELDER_CHECK(verify_signatures(out.order.kind, document, trust, log_size));
    const auto& state = book.state(out.order.target);
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

/// The log's reader gets one kind of error; what was wrong in detail is the signer's business, not his.
Result<Item> judge_item(const wire::LogEntry& entry, const TrustList& trust, const OrderBook& book) {
    switch (entry.item_case()) {
        case wire::LogEntry::kOrder: {
            const auto document = SignedBytes::from(entry.order());
            if (document.has_error()) return refuse("an order cannot be read");
            auto judged = judge(*document, trust, book.size(), book);
            if (judged.has_value()) return Item(std::move(*judged));
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
            return Item(Replacing{grant.replaces, grant.enrolment_id});
        }
        case wire::LogEntry::kTrustList:
            // The list itself is signed by the root keys and judged by TrustList.
            if (entry.trust_list().version() == 0 || Hash::from(entry.trust_list().sha256()).has_error())
                return refuse("a trust list entry is malformed");
            if (entry.trust_list().version() > trust.version()) return Errc::trust_list_too_old;
            return Item();
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

}  // namespace

std::string_view name_of(OrderKind kind) noexcept {
    switch (kind) {
        case OrderKind::revoke:
            return "revoke";
        case OrderKind::restore:
            return "restore";
        case OrderKind::supersede:
            return "supersede";
        case OrderKind::wipe:
            return "wipe";
        case OrderKind::appoint:
            return "appoint";
        case OrderKind::suspend:
            return "suspend";
    }
    return "unknown_order";
}

Result<Order> Order::parse(BytesView body) {
    wire::Order message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return Errc::malformed;
    Order out;
    if (!is_kind(message.kind())) return Error(Errc::malformed, "there is no such order");
    out.kind = static_cast<OrderKind>(message.kind());
    MELDER_TRY(out.target, EnrolmentId::from(message.target()));
    out.counter = message.counter();
    if (!message.previous_sha256().empty()) {
        MELDER_TRY(out.previous, Hash::from(message.previous_sha256()));
    }
    if (out.counter == 0 || (out.counter == 1) == out.previous.has_value()) {
        return Error(Errc::malformed, "every order but a target's first names the one before");
    }
    MELDER_TRY(out.issued_at, time_from_s(message.issued_at_s()));
    MELDER_TRY(out.reason, Hash::from(message.reason_sha256()));
    if (message.detail().size() > limits::order_detail_bytes) return Errc::too_large;
    const bool has_detail = out.kind == OrderKind::supersede || out.kind == OrderKind::appoint;
    if (message.detail().empty() == has_detail)
        return Error(Errc::malformed, "the order's detail does not fit its kind");
    out.detail = to_bytes(view(message.detail()));
    return out;
}

Bytes Order::encode() const {
    wire::Order message;
    message.set_kind(static_cast<wire::OrderKind>(kind));
    message.set_target(target.string());
    message.set_counter(counter);
    if (previous) message.set_previous_sha256(previous->string());
    message.set_issued_at_s(seconds_on_wire(issued_at));
    message.set_reason_sha256(reason.string());
    message.set_detail(to_string(detail));
    return to_bytes(view(message.SerializeAsString()));
}

Hash next_head(const Hash& head, BytesView entry) {
    constexpr ByteArray<1> separator{0};
    return sha256({view(text_of(Context::log)), separator, head.view(), entry});
}

Result<OrderBook::Effect> OrderBook::apply(BytesView encoded, const TrustList& trust) {
    if (encoded.size() > limits::log_entry_bytes) return refuse("an entry is too large");
    wire::LogEntry entry;
    if (!entry.ParseFromArray(encoded.data(), static_cast<int>(encoded.size())))
        return refuse("an entry cannot be read");
    if (entry.index() != size_) return refuse("an entry stands in the wrong place");
    auto effect = Effect::applied;
    auto item = judge_item(entry, trust, *this);
    if (item.has_error() && item.error().code() == Errc::log_invalid && trust.distrusts_any()) {
        auto once = judge_item(entry, trust.before_distrust(), *this);
        if (once.has_value()) {
            effect = Effect::ignored;
            item = std::move(once);
        }
    }
    if (item.has_error()) return item.error();
    if (auto* judged = std::get_if<Judged>(&*item)) {
        auto& state = states_[judged->order.target];
        // Later orders of honest keys name this one, so the target's chain goes on through it in any case.
        state.counter = judged->order.counter;
        state.last_order = judged->hash;
        if (effect == Effect::applied) {
            state.standing = standing_after(judged->order.kind, state.standing);
            if (judged->superseding_grant) state.superseding_grant = std::move(judged->superseding_grant);
        }
    } else if (const auto* replacing = std::get_if<Replacing>(&*item); replacing && effect == Effect::applied) {
        for (const auto& id : replacing->replaced) {
            auto& state = states_[id];
            state.standing = DeviceStanding::replaced;
            state.replaced_by = replacing->by;
        }
    }
    head_ = next_head(head_, encoded);
    heads_.push_back(head_);
    ++size_;
    return effect;
}

std::vector<EnrolmentId> OrderBook::targets() const {
    std::vector<EnrolmentId> out;
    out.reserve(states_.size());
    for (const auto& [target, state] : states_)
        out.push_back(target);
    return out;
}

Result<void> OrderBook::check_order(const SignedBytes& order, const TrustList& trust) const {
    MELDER_CHECK(judge(order, trust, size_, *this));
    return ok();
}

std::optional<Hash> OrderBook::head_at(std::uint64_t size) const {
    if (size == 0) return Hash();
    if (size > heads_.size()) return std::nullopt;
    return heads_[static_cast<std::size_t>(size - 1)];
}

const OrderBook::State& OrderBook::state(const EnrolmentId& target) const {
    static const State untouched;
    const auto found = states_.find(target);
    return found == states_.end() ? untouched : found->second;
}

}  // namespace melder
