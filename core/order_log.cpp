#include "core/order_log.hpp"

#include <stdexcept>

#include "core/limits.hpp"
#include "core/order_draft.hpp"
#include "core/order_judgement.hpp"
#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {
namespace {

bool is_kind(int kind) {
    return kind >= 1 && kind <= 6;
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
    OrderDraft draft(*this);
    MELDER_TRY(const auto effect, draft.apply(encoded, trust));
    absorb(std::move(draft));
    return effect;
}

void OrderBook::absorb(OrderDraft draft) {
    if (draft.base_size_ != size_ || draft.base_head_ != head_)
        throw std::logic_error("a draft of the order log on top of another book");
    size_ = draft.size();
    head_ = draft.head_;
    heads_.insert(heads_.end(), draft.heads_.begin(), draft.heads_.end());
    for (auto& [target, state] : draft.touched_)
        states_.insert_or_assign(target, std::move(state));
}

std::vector<EnrolmentId> OrderBook::targets() const {
    std::vector<EnrolmentId> out;
    out.reserve(states_.size());
    for (const auto& [target, state] : states_)
        out.push_back(target);
    return out;
}

Result<CheckedOrder> OrderBook::check_order(const SignedBytes& order, const TrustList& trust) const {
    return OrderDraft(*this).check_order(order, trust);
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
