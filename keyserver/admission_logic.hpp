#pragma once
// What the keyserver accepts: grants, bindings, orders. Decisions only: no store, no clock.

#include <optional>

#include "core/credential.hpp"
#include "core/order_log.hpp"
#include "keyserver/signer_window.hpp"

namespace melder::keyserver {

/// `enrol`, `directory` or `leaders`: what makes grants.
[[nodiscard]] bool may_grant(const std::vector<Right>& rights);
/// Every right but the help desk's.
[[nodiscard]] bool may_sign(const std::vector<Right>& rights);

/// True if `next` leaves the officer with less than `previous`: such a version belongs into the log (*supersede*).
[[nodiscard]] bool takes_away(const Grant& previous, const Grant& next);

struct GrantVerdict {
    Grant grant;
    bool repeated = false;  ///< the very bytes that are stored: nothing to do
};
/// `previous` is the stored version, if there is one. Besides what core's verify_grant refuses: `trust_list_expired`,
/// `trust_list_too_old` (the grant asks for a newer list), `credential_expired`, `bad_argument` (a code valid for
/// longer than the trust list allows, or a version that takes something away), `needs_more_signatures` (above 50 grants
/// an hour by one key, a second key must have signed).
[[nodiscard]] Result<GrantVerdict> judge_grant(const SignedBytes& document, const TrustList& trust,
                                               const SignedBytes* previous_document, const Grant* previous,
                                               const SignerWindow& window, UnixTime now);

/// What is known of the enrolment that a binding names.
struct EnrolmentState {
    UnixTime bind_before, not_after;
    DeviceStanding standing = DeviceStanding::active;
    std::optional<Hash> binding;  ///< of the binding that won
    Ed25519Public enrolment_key;
};
enum class EnrolmentVerdict { bind, same_binding };
/// `unknown_code`, `code_expired`, `code_used` (the device it made is no longer in service), `already_bound` (to other
/// keys: to be reported), `device_revoked`, `trust_list_expired`, or what core says about the binding.
[[nodiscard]] Result<EnrolmentVerdict> judge_enrolment(const EnrolmentState* state, const SignedBinding& binding,
                                                       const TrustList& trust, UnixTime now);

/// Kinds and counts, before the book judges signatures: `unsupported` (wipe, appoint: not built yet),
/// `trust_list_expired` (all but revoke), `needs_more_signatures` above 20 orders an hour by one key.
[[nodiscard]] Result<Order> judge_order(const SignedBytes& document, const TrustList& trust, const SignerWindow& window,
                                        UnixTime now);

/// Two administrators signed it, whatever their rights: else `needs_more_signatures`.
[[nodiscard]] Result<void> verify_second_key(const SignedBytes& document, Context context, const TrustList& trust);
/// `needs_more_signatures` if one of the signers has used up its hour and there is no second key.
[[nodiscard]] Result<void> judge_ceiling(const std::vector<KeyId>& signers, bool has_second_key,
                                         const SignerWindow& window, std::uint32_t ceiling, UnixTime now);

/// The distinct active administrator keys that signed (whether the signatures verify is judged elsewhere).
[[nodiscard]] std::vector<KeyId> signers_of(const SignedBytes& document, const TrustList& trust);

}  // namespace melder::keyserver
