#pragma once
// Grant + binding = credential: who an officer's device is. Judged by the two ends alone; the server only carries it.

#include <optional>
#include <string>
#include <vector>

#include "core/trust_list.hpp"

namespace melder::wire {
class Credential;
}

namespace melder {

enum class Role : std::uint32_t { member = 1, leader = 2 };

struct Grant {
    EnrolmentId enrolment_id;
    std::vector<EnrolmentId> replaces;
    UnixTime bind_before;
    OfficerId officer_id;
    std::string display_name;    ///< 1..200 bytes of valid UTF-8 without control characters
    std::string service_number;  ///< 0..64 bytes, likewise
    UnitPath unit;
    std::vector<Role> roles;
    std::string app{default_app};
    Ed25519Public enrolment_key;
    std::uint32_t version = 1;
    UnixTime not_before, not_after;
    std::uint64_t lowest_trust_list = 0;
    std::uint64_t log_size = 0;
    Hash log_head;

    [[nodiscard]] static Result<Grant> parse(BytesView body);
    [[nodiscard]] Result<Bytes> encode() const;  ///< refuses what `parse` would refuse
    [[nodiscard]] bool has(Role role) const;
};

/// Whether the administrator's signatures carry this grant: `enrol` for version 1 and renewals, `directory` when name,
/// service number or unit changed against `previous`, `leaders` when the leader role changed, `revoke` besides when it
/// replaces devices. Also checks that officer id, app and enrolment key repeat and that the version grew.
[[nodiscard]] Result<Grant> verify_grant(const SignedBytes& document, const TrustList& trust, const Grant* previous);

struct Binding {
    EnrolmentId enrolment_id;
    X25519Public identity_key;
    P256Public login_key;
    std::uint32_t registration_id = 0;

    [[nodiscard]] static Result<Binding> parse(BytesView body);  ///< low-order and off-curve keys are `bad_key`
    [[nodiscard]] Bytes encode() const;
};
struct SignedBinding {
    Bytes body;
    ByteArray<64> enrolment_signature;
    ByteArray<64> identity_signature;
};
[[nodiscard]] SignedBinding sign_binding(const Binding& binding, const Ed25519Seed& enrolment_seed,
                                         const X25519Private& identity, Random& random);
[[nodiscard]] Result<Binding> verify_binding(const SignedBinding& binding, const Ed25519Public& enrolment_key);

/// {grant hash, binding hash, time}, signed by a statement key: the first binding wins.
[[nodiscard]] SignedBytes date_binding(const Hash& grant, const Hash& binding, UnixTime time,
                                       const Ed25519Seed& statement_seed);

/// A credential whose signatures were all verified. Immutable, cheap to copy by shared_ptr.
class Credential {
public:
    /// Verifies the grant under the trust list, the binding under the grant, the date under a statement key and
    /// `bind_before`. Does not judge expiry (see `valid_at`) or revocation (see OrderBook).
    [[nodiscard]] static Result<Credential> verify(const wire::Credential& message, const TrustList& trust);
    [[nodiscard]] static Result<Credential> verify(BytesView encoded, const TrustList& trust);

    [[nodiscard]] const Grant& grant() const noexcept { return grant_; }
    [[nodiscard]] const Binding& binding() const noexcept { return binding_; }
    [[nodiscard]] EnrolmentId device() const noexcept { return grant_.enrolment_id; }
    [[nodiscard]] OfficerId officer() const noexcept { return grant_.officer_id; }
    [[nodiscard]] UnixTime bound_at() const noexcept { return bound_at_; }
    [[nodiscard]] bool valid_at(UnixTime t) const { return t >= grant_.not_before && t <= grant_.not_after; }
    [[nodiscard]] const Bytes& encoded() const noexcept { return encoded_; }
    [[nodiscard]] Hash hash() const { return sha256(encoded_); }

private:
    Grant grant_;
    Binding binding_;
    UnixTime bound_at_;
    Bytes encoded_;
};

}  // namespace melder
