#pragma once
// What this client believes of servers and peers: trust list with its floor, order book, newest statement, forks.
// Decision only; one thread. Every refusal leaves the state as it was (a fork only adds its evidence).

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/order_log.hpp"
#include "core/statement.hpp"
#include "core/trust_list.hpp"

namespace melder::sdk {

/// Two signed statements (or one and the log we hold) that can't both be true. Kept, reported, never forgotten.
struct ForkEvidence {
    SignedBytes first, second;
};

class TrustState {
public:
    TrustState(TrustList list, std::uint64_t floor)
        : list_(std::make_shared<const TrustList>(std::move(list))), floor_(std::max(floor, list_->version())) {}

    [[nodiscard]] const TrustList& list() const noexcept { return *list_; }
    [[nodiscard]] const std::shared_ptr<const TrustList>& shared_list() const noexcept { return list_; }
    [[nodiscard]] std::uint64_t floor() const noexcept { return floor_; }
    [[nodiscard]] const OrderBook& book() const noexcept { return book_; }
    [[nodiscard]] const std::optional<SignedBytes>& newest_statement() const noexcept { return newest_document_; }
    [[nodiscard]] const std::optional<ForkEvidence>& fork() const noexcept { return fork_; }
    /// The last time a statement over an own nonce named exactly the head we hold.
    [[nodiscard]] std::optional<UnixTime> confirmed() const noexcept { return confirmed_; }

    /// `list` has verified under the root set. True if it is a newer one; `trust_list_too_old` below the present one or
    /// the floor, `trust_list_conflict` for an equal version with other bytes.
    [[nodiscard]] Result<bool> accept_list(TrustList list);
    /// By a list, grant or code that was itself verified, and by nothing else.
    void raise_floor(std::uint64_t version) { floor_ = std::max(floor_, version); }
    /// The list is below the floor: fetch a newer one before anything else is done.
    [[nodiscard]] bool needs_list() const { return list_->version() < floor_; }
    /// The head that the own grant names: no log counts that does not contain it, and nothing shorter confirms a head.
    void require_head(std::uint64_t log_size, const Hash& head) { required_ = Required{log_size, head}; }
    /// A verified statement names entries that the book lacks, or a new list judges them otherwise than the former one
    /// did: the log is read again from its first entry. The former book stays in force meanwhile and confirms nothing.
    [[nodiscard]] bool log_is_behind() const { return newest_ && (reads_again_ || newest_->log_size > book_.size()); }
    /// Nothing in it that is not known: neither later nor longer than the newest. Saves the verification only.
    [[nodiscard]] bool says_nothing_new(const SignedBytes& document) const;

    struct StatementOutcome {
        Statement statement;
        bool fresh = false;       ///< over the own nonce: may set time
        bool needs_log = false;   ///< it names entries that we lack: refresh before the next send
        bool needs_list = false;  ///< it names a newer trust list
    };
    /// From anywhere. `own_nonce` when it answers our question: then `fresh` is only set if it carries exactly that.
    /// bad_signature / unknown_signer, `log_fork` (evidence kept), `malformed`.
    [[nodiscard]] Result<StatementOutcome> on_statement(const SignedBytes& document,
                                                        const std::optional<ByteArray<16>>& own_nonce);

    /// Entries from our size on. They count once the newest statement's head is reached and matches; until then they
    /// are checked and kept aside. True when the book stands at that statement. `log_invalid`, or `log_fork` when the
    /// entries are valid and lead elsewhere (or past the head that the own grant names); both drop what was kept aside.
    /// `trust_list_too_old` when an entry can only be judged under a newer trust list: accept one, then the same page
    /// again.
    [[nodiscard]] Result<bool> on_log_page(std::span<const Bytes> entries);
    /// Where the next page begins.
    [[nodiscard]] std::uint64_t next_log_index() const {
        if (aside_) return aside_->size();
        return reads_again_ ? 0 : book_.size();
    }
    /// A new phone accepts no log that does not contain the head its grant names: `log_fork` without it.
    [[nodiscard]] Result<void> check_grant_head(const Grant& grant) const;

    /// A peer's credential, for a message sent at `sent_at` that is judged at `now`: sent_at_implausible,
    /// credential_expired, device_revoked (also suspended; judged at receipt), device_replaced.
    [[nodiscard]] Result<void> judge_credential(const Credential& credential, UnixTime sent_at, UnixTime now,
                                                Millis ttl) const;
    /// Whether something may be sealed to the device at `now`: credential_expired, device_revoked, device_replaced.
    [[nodiscard]] Result<void> judge_recipient(const Credential& credential, UnixTime now) const;
    /// The newest grant version known of the credential's device: roles, unit and name are taken from it. The one that
    /// a supersede order carries if it is newer and verifies, else the credential's own.
    [[nodiscard]] Grant newest_grant(const Credential& credential) const;

    /// For the vault, in pieces that change at different rates; the list lies beside it. Reading back does not verify,
    /// since cells are authenticated.
    struct Saved {
        std::uint64_t floor = 0;
        Bytes book;              ///< OrderBook::encode
        Bytes newest_statement;  ///< encoded wire::Signed, or empty
        std::optional<UnixTime> confirmed;
        Bytes fork;  ///< the two documents, or empty
        friend bool operator==(const Saved&, const Saved&) = default;
    };
    [[nodiscard]] Saved save() const;
    [[nodiscard]] static Result<TrustState> restore(const Saved& saved, TrustList list);

private:
    struct Required {
        std::uint64_t size = 0;
        Hash head;
    };
    [[nodiscard]] bool lacks_required(const OrderBook& book) const;
    Error note_fork(SignedBytes first, SignedBytes second);
    [[nodiscard]] Result<void> check_standing(const EnrolmentId& device) const;
    void confirm_if_at_head();

    std::shared_ptr<const TrustList> list_;
    std::uint64_t floor_;
    std::optional<Required> required_;
    OrderBook book_;
    std::optional<OrderBook> aside_;
    bool reads_again_ = false;
    std::optional<Statement> newest_;
    std::optional<SignedBytes> newest_document_;
    std::optional<Statement> newest_fresh_;
    std::optional<UnixTime> confirmed_;
    std::optional<ForkEvidence> fork_;
};

}  // namespace melder::sdk
