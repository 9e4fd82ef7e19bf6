#pragma once
// What an administrator signs for one officer's device. No I/O: the signatures can be checked without a server.

#include <string>

#include "core/enrolment_code.hpp"
#include "core/order_log.hpp"

namespace melder::admin {

struct GrantRequest {
    OfficerId officer;
    std::string display_name, service_number;
    UnitPath unit;
    std::vector<Role> roles;
    std::vector<EnrolmentId> replaces;
    std::string second_part;  ///< for codes that travel through a device management, else empty; costs a scrypt
    Millis code_valid{};      ///< for binding
    Millis grant_valid{};     ///< at most 400 days
};
struct IssuedCode {
    EnrolmentCode code;
    Grant grant;
    SignedBytes document;  ///< the code itself is not in it
};
/// `at` is a statement fetched from the server just now: the grant carries the log head that the administrator saw.
[[nodiscard]] Result<IssuedCode> issue_code(const GrantRequest& request, const Statement& at, const Ed25519Seed& key,
                                            Random& random);

struct OrderRequest {
    OrderKind kind = OrderKind::revoke;
    EnrolmentId target;
    std::uint64_t previous_counter = 0;
    std::optional<Hash> previous;
    UnixTime now;
    std::string reason;
    Bytes detail{};  ///< of supersede: the signed grant
};
struct SignedOrder {
    Order order;
    ByteArray<16> reason_salt{};  ///< with the reason for the journal; the server gets only the hash
    SignedBytes document;
};
[[nodiscard]] SignedOrder sign_order(const OrderRequest& request, const std::vector<Ed25519Seed>& keys, Random& random);

/// "90s", "10m", "24h", "30d"; `bad_argument`.
[[nodiscard]] Result<Millis> parse_duration(std::string_view text);

}  // namespace melder::admin
