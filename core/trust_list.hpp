#pragma once
// The root set and the trust list: who may say what. A client pins a root set; everything else follows from it.

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/clock.hpp"
#include "core/signed.hpp"

namespace melder {

enum class Right : std::uint32_t { enrol = 1, directory = 2, leaders = 3, revoke = 4, wipe = 5, helpdesk = 6 };
[[nodiscard]] std::string_view name_of(Right right) noexcept;
[[nodiscard]] Result<Right> parse_right(std::string_view name);
enum class KeyState : std::uint32_t { active = 0, retired = 1, distrusted = 2 };
enum class ServerRole : std::uint32_t { relay = 1, keyserver = 2 };

/// The pinned keys: `threshold` of them sign trust lists and a successor set.
struct RootSet {
    std::uint64_t version = 1;
    std::uint32_t threshold = 1;
    std::vector<Ed25519Public> keys;
    std::optional<Hash> previous;

    /// Shape only; whether to believe it is `verify_successor`, or the pin in the app.
    [[nodiscard]] static Result<RootSet> parse(BytesView body);
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] Result<void> verify_successor(const SignedBytes& successor) const;
};

struct AdminKey {
    Ed25519Public key;
    std::vector<Right> rights;
    KeyState state = KeyState::active;
    std::uint64_t retired_at_log_size = 0;
    [[nodiscard]] bool has(Right right) const;
};
struct TlsPin {
    Hash spki;
    ServerRole role;
};

/// A trust list that verified under a root set. Immutable.
class TrustList {
public:
    struct Fields {
        std::uint64_t version = 0;
        UnixTime issued_at, not_after;
        std::vector<AdminKey> admin_keys;
        std::uint32_t wipe_quorum = 2;
        std::vector<Ed25519Public> statement_keys;
        std::vector<TlsPin> pins;
        std::uint32_t lowest_suite = 1;
        std::uint32_t longest_retention_s = 0, longest_lease_s = 0, longest_history_s = 0, longest_code_validity_s = 0;
        std::uint32_t lowest_protocol = 1;
        std::uint64_t root_set_version = 1;
    };

    /// Checks size, shape (>= 2 pins per role, wipe quorum >= 2, >= 1 statement key, limits within DESIGN's), and the
    /// threshold of signatures. Time is judged by the caller through `expired` and `usable_for_reading`.
    [[nodiscard]] static Result<TrustList> verify(const SignedBytes& document, const RootSet& roots);
    /// A list that this device verified before and kept where nobody else writes: one under a root set before `roots`
    /// stays in force, though its signatures cannot be checked any more, until a newer list takes its place. Refuses
    /// what `verify` refuses of every other list.
    [[nodiscard]] static Result<TrustList> verify_kept(const SignedBytes& document, const RootSet& roots);
    /// Encodes fields for signing by the root keys; refuses what `verify` would refuse.
    [[nodiscard]] static Result<Bytes> encode(const Fields& fields);

    [[nodiscard]] const Fields& fields() const noexcept { return fields_; }
    [[nodiscard]] std::uint64_t version() const noexcept { return fields_.version; }
    [[nodiscard]] const SignedBytes& document() const noexcept { return document_; }
    [[nodiscard]] Hash hash() const { return document_.body_hash(); }
    /// ok, `trust_list_too_old` (a lower version) or `trust_list_conflict` (equal version, other body).
    [[nodiscard]] Result<void> may_follow(const TrustList& current) const;
    [[nodiscard]] bool expired(UnixTime now) const { return now > fields_.not_after; }
    /// Expired, but within the 30 days in which reading, sending, revoke and wipe go on.
    [[nodiscard]] bool in_grace(UnixTime now) const;
    [[nodiscard]] bool has_pin(const Hash& spki, ServerRole role) const;
    [[nodiscard]] bool has_pin(const Hash& spki) const;
    [[nodiscard]] const AdminKey* find_admin(const KeyId& id) const;

    /// At least `quorum` signatures by distinct keys that hold `right` and count at `log_size` (active, or retired
    /// later than it). `bad_signature`, `unknown_signer`, `missing_right` or `needs_more_signatures` otherwise.
    [[nodiscard]] Result<void> verify_by_admins(const SignedBytes& document, Context context, Right right,
                                                std::size_t quorum, std::uint64_t log_size) const;
    /// The signature by this key; `unknown_signer` if there is none.
    [[nodiscard]] Result<void> verify_signature(const SignedBytes& document, Context context,
                                                const AdminKey& admin) const;
    /// A copy that remembers which signatures verified, for whoever puts the same documents before several rules: a
    /// signature costs 50 µs, remembering it 2 µs. For one thread, unlike the list itself; forgets all beyond 4,096.
    [[nodiscard]] TrustList remembering() const;
    [[nodiscard]] bool distrusts_any() const;
    /// This list as if none of its keys were distrusted. Only to recognise what was valid once and means nothing now.
    [[nodiscard]] TrustList before_distrust() const;
    /// Every key of `former` stands here with the same rights and state, so whatever was judged under `former` need not
    /// be judged again. New keys do not matter: nothing old was signed by them.
    [[nodiscard]] bool judges_like(const TrustList& former) const;
    [[nodiscard]] Result<void> verify_by_statement_key(const SignedBytes& document, Context context) const;

private:
    class Memory;
    [[nodiscard]] Result<void> verify_one(const AdminKey& admin, BytesView input, BytesView signature) const;
    void set_fields(Fields fields);

    Fields fields_;
    std::vector<KeyId> admin_ids_;  ///< of fields_.admin_keys
    SignedBytes document_;
    std::shared_ptr<Memory> memory_;
};

}  // namespace melder
