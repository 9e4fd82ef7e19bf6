#pragma once
// What an entry of the order log means, for order_draft.cpp alone: its signatures, its place in its target's chain, its
// effect. Pure.

#include <optional>
#include <variant>
#include <vector>

#include "core/order_log.hpp"

namespace melder {

/// An order whose signatures and place in the chain are right.
struct JudgedOrder {
    Order order;
    Hash hash;  ///< what the target's next order names
    std::optional<SignedBytes> superseding_grant;
};
struct JudgedReplacing {
    std::vector<EnrolmentId> replaced;
    EnrolmentId by;
};
using JudgedItem = std::variant<std::monostate, JudgedOrder, JudgedReplacing>;

[[nodiscard]] Result<JudgedOrder> judge_order(const SignedBytes& document, const TrustList& trust,
                                              const OrderDraft& draft);
/// The log's reader gets one kind of error; what was wrong in detail is the signer's business, not his.
[[nodiscard]] Result<JudgedItem> judge_item(const wire::LogEntry& entry, const TrustList& trust,
                                            const OrderDraft& draft);
[[nodiscard]] DeviceStanding standing_after(OrderKind kind, DeviceStanding before);

}  // namespace melder
