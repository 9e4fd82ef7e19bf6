#pragma once
// The order log: revoke, restore, supersede, …, hash-chained; and the book a reader keeps of it.

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/credential.hpp"
#include "core/statement.hpp"

namespace melder::wire {
class LogEntry;
}

namespace melder {

enum class OrderKind : std::uint32_t { revoke = 1, restore = 2, supersede = 3, wipe = 4, appoint = 5, suspend = 6 };
[[nodiscard]] std::string_view name_of(OrderKind kind) noexcept;

struct Order {
    OrderKind kind = OrderKind::revoke;
    EnrolmentId target;
    std::uint64_t counter = 1;
    std::optional<Hash> previous;
    UnixTime issued_at;
    Hash reason;
    Bytes detail;

    [[nodiscard]] static Result<Order> parse(BytesView body);
    [[nodiscard]] Bytes encode() const;
};

/// head(n) = SHA-256("Melder/log/1" ‖ 0x00 ‖ head(n-1) ‖ entry); head(0) is all zero.
[[nodiscard]] Hash next_head(const Hash& head, BytesView entry);

enum class DeviceStanding { active, suspended, revoked, replaced };

class OrderDraft;

/// An order whose signatures, quorum and place were judged, and against which state of its target. Only
/// OrderBook and OrderDraft make one.
class CheckedOrder {
public:
    [[nodiscard]] const SignedBytes& document() const noexcept { return document_; }
    [[nodiscard]] const EnrolmentId& target() const noexcept { return target_; }
    [[nodiscard]] OrderKind kind() const noexcept { return kind_; }
    [[nodiscard]] DeviceStanding standing_after() const noexcept { return standing_after_; }
    /// The grant of a supersede order.
    [[nodiscard]] const std::optional<SignedBytes>& superseding_grant() const noexcept { return superseding_grant_; }

private:
    friend class OrderDraft;
    CheckedOrder() = default;
    SignedBytes document_;
    EnrolmentId target_;
    OrderKind kind_ = OrderKind::revoke;
    Hash hash_;
    std::uint64_t counter_ = 0;
    std::optional<Hash> previous_;
    DeviceStanding standing_before_ = DeviceStanding::active, standing_after_ = DeviceStanding::active;
    std::optional<SignedBytes> superseding_grant_;
};

/// What the log says, for whoever reads it from the start: keyserver, relay's view, client, `melder-admin log verify`.
/// Value type; entries are applied one by one and an invalid entry changes nothing.
class OrderBook {
public:
    struct State {
        std::uint64_t counter = 0;
        std::optional<Hash> last_order;
        DeviceStanding standing = DeviceStanding::active;
        std::optional<EnrolmentId> replaced_by;
        std::optional<SignedBytes> superseding_grant;  ///< the newest grant version out of a supersede order
    };

    /// Continue from a saved position (the client's vault).
    OrderBook() = default;

    enum class Effect : std::uint8_t {
        applied,
        ignored,  ///< valid once, but a key that signed it is distrusted: keeps its place in the chains, means nothing
    };
    /// Checks index, signatures and quorum under the trust list, counter and previous hash; then extends the head.
    /// `log_invalid` with a static detail otherwise, or `trust_list_too_old` for an entry about a newer list than
    /// `trust`: whoever reads on needs that list first. What the entry changed can be read with `state`. When a list
    /// judges otherwise than the one before (TrustList::judges_like), the log is read again from the start.
    [[nodiscard]] Result<Effect> apply(BytesView entry, const TrustList& trust);
    /// The same checks for a proposed order, without applying: what the keyserver asks before it appends. The answer
    /// can be placed in a draft without another look at the signatures (order_draft.hpp).
    [[nodiscard]] Result<CheckedOrder> check_order(const SignedBytes& order, const TrustList& trust) const;
    /// Takes over what was drafted on top of this book, which has not changed since: else std::logic_error.
    void absorb(OrderDraft draft);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] const Hash& head() const noexcept { return head_; }
    /// The head after `size` entries, for sizes this book has passed and still remembers (all of them, 32 bytes each).
    [[nodiscard]] std::optional<Hash> head_at(std::uint64_t size) const;
    /// Devices never named in the log are active with counter 0.
    [[nodiscard]] const State& state(const EnrolmentId& target) const;
    [[nodiscard]] DeviceStanding standing(const EnrolmentId& device) const { return state(device).standing; }

    /// Every device that an entry named, in no order.
    [[nodiscard]] std::vector<EnrolmentId> targets() const;

    /// For the vault: everything, in one blob; reading it back does not verify (the vault's cells are authenticated).
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static Result<OrderBook> decode(BytesView bytes);

private:
    std::uint64_t size_ = 0;
    Hash head_;
    std::vector<Hash> heads_;
    std::unordered_map<EnrolmentId, State> states_;
};

}  // namespace melder
