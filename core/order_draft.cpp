#include "core/order_draft.hpp"

#include "core/limits.hpp"
#include "core/order_judgement.hpp"
#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {
namespace {

Error refuse(const char* why) {
    return Error(Errc::log_invalid, std::string(why));
}

}  // namespace

Result<OrderBook::Effect> OrderDraft::apply(BytesView encoded, const TrustList& trust) {
    using Effect = OrderBook::Effect;
    if (encoded.size() > limits::log_entry_bytes) return refuse("an entry is too large");
    wire::LogEntry entry;
    if (!entry.ParseFromArray(encoded.data(), static_cast<int>(encoded.size())))
        return refuse("an entry cannot be read");
    if (entry.index() != size()) return refuse("an entry stands in the wrong place");
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
    if (auto* judged = std::get_if<JudgedOrder>(&*item)) {
        auto& state = touch(judged->order.target);
        // Later orders of honest keys name this one, so the target's chain goes on through it in any case.
        state.counter = judged->order.counter;
        state.last_order = judged->hash;
        if (effect == Effect::applied) {
            state.standing = standing_after(judged->order.kind, state.standing);
            if (judged->superseding_grant) state.superseding_grant = std::move(judged->superseding_grant);
        }
    } else if (const auto* replacing = std::get_if<JudgedReplacing>(&*item); replacing && effect == Effect::applied) {
        for (const auto& id : replacing->replaced) {
            auto& state = touch(id);
            state.standing = DeviceStanding::replaced;
            state.replaced_by = replacing->by;
        }
    }
    extend(encoded);
    return effect;
}

Result<CheckedOrder> OrderDraft::check_order(const SignedBytes& document, const TrustList& trust) const {
    MELDER_TRY(auto judged, judge_order(document, trust, *this));
    CheckedOrder out;
    out.document_ = document;
    out.target_ = judged.order.target;
    out.kind_ = judged.order.kind;
    out.hash_ = judged.hash;
    out.counter_ = judged.order.counter;
    out.previous_ = judged.order.previous;
    out.standing_before_ = standing(out.target_);
    out.standing_after_ = standing_after(out.kind_, out.standing_before_);
    out.superseding_grant_ = std::move(judged.superseding_grant);
    return out;
}

Result<Bytes> OrderDraft::place(const CheckedOrder& order, UnixTime time) {
    const auto& before = state(order.target_);
    if (before.counter + 1 != order.counter_ || before.last_order != order.previous_ ||
        before.standing != order.standing_before_) {
        return refuse("the device got another order meanwhile");
    }
    wire::LogEntry entry;
    entry.set_index(size());
    entry.set_time_s(seconds_on_wire(time));
    *entry.mutable_order() = order.document_.to_wire();
    auto encoded = to_bytes(view(entry.SerializeAsString()));
    if (encoded.size() > limits::log_entry_bytes) return Errc::too_large;
    auto& state = touch(order.target_);
    state.counter = order.counter_;
    state.last_order = order.hash_;
    state.standing = order.standing_after_;
    if (order.superseding_grant_) state.superseding_grant = order.superseding_grant_;
    extend(encoded);
    return encoded;
}

const OrderBook::State& OrderDraft::state(const EnrolmentId& target) const {
    const auto found = touched_.find(target);
    return found == touched_.end() ? base_->state(target) : found->second;
}

OrderBook::State& OrderDraft::touch(const EnrolmentId& target) {
    const auto found = touched_.find(target);
    return found != touched_.end() ? found->second : touched_.emplace(target, base_->state(target)).first->second;
}

void OrderDraft::extend(BytesView entry) {
    head_ = next_head(head_, entry);
    heads_.push_back(head_);
}

}  // namespace melder
