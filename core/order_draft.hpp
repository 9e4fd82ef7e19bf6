#pragma once
// Entries on top of an order book that is not copied: a draft holds the states it touches and the heads it adds, so
// that one order costs as much as the tenth of a page, whatever the log's size.
//
//     OrderDraft draft(book);
//     MELDER_TRY(const auto checked, draft.check_order(document, trust));   // signatures: 50 µs each
//     MELDER_TRY(const auto entry, draft.place(checked, now));              // none: 3 µs
//     …store entry…
//     book.absorb(std::move(draft));

#include <optional>
#include <unordered_map>
#include <vector>

#include "core/order_log.hpp"

namespace melder {

class OrderDraft {
public:
    /// `base` outlives the draft and does not change meanwhile.
    explicit OrderDraft(const OrderBook& base) : base_(&base), base_size_(base.size()), base_head_(base.head()) {
        head_ = base_head_;
    }

    /// As OrderBook::apply.
    [[nodiscard]] Result<OrderBook::Effect> apply(BytesView entry, const TrustList& trust);
    /// As OrderBook::check_order.
    [[nodiscard]] Result<CheckedOrder> check_order(const SignedBytes& order, const TrustList& trust) const;
    /// The encoded entry of an order that was checked under the trust list that is still in force. `log_invalid` if its
    /// target is not as it was then. What was checked with the signature of a retired key has to be checked again: it
    /// counts below a size of the log only.
    [[nodiscard]] Result<Bytes> place(const CheckedOrder& order, UnixTime time);

    [[nodiscard]] std::uint64_t size() const noexcept { return base_size_ + heads_.size(); }
    [[nodiscard]] const Hash& head() const noexcept { return head_; }
    [[nodiscard]] const OrderBook::State& state(const EnrolmentId& target) const;
    [[nodiscard]] DeviceStanding standing(const EnrolmentId& device) const { return state(device).standing; }

private:
    friend class OrderBook;
    [[nodiscard]] OrderBook::State& touch(const EnrolmentId& target);
    void extend(BytesView entry);

    const OrderBook* base_;
    std::uint64_t base_size_;
    Hash base_head_, head_;
    std::vector<Hash> heads_;
    std::unordered_map<EnrolmentId, OrderBook::State> touched_;
};

}  // namespace melder
