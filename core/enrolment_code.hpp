#pragma once
// The one-time code: secret + lowest trust-list version. It is never sent; id and key are derived from it.
//   id       = HKDF-SHA-256(secret, salt "Melder/enrol/1", info "id"), 16 bytes
//   key seed = HKDF-SHA-256(secret ‖ P, same salt, info "key"), 32 bytes
// P is empty, or scrypt(second part, salt SHA-256(secret), N 2^17, r 8, p 1), 32 bytes.

#include <string>

#include "core/crypto.hpp"

namespace melder {

class EnrolmentCode {
public:
    [[nodiscard]] static EnrolmentCode generate(Random& random, std::uint64_t lowest_trust_list);
    /// The printable form: Crockford base 32 in groups of five, with a two-character checksum, prefix "MLD1-".
    /// `code_malformed` for anything mistyped, too short or too long.
    [[nodiscard]] static Result<EnrolmentCode> parse(std::string_view text);
    [[nodiscard]] SecretBuffer text() const;

    [[nodiscard]] EnrolmentId enrolment_id() const;
    [[nodiscard]] Result<Ed25519Seed> enrolment_seed(std::string_view second_part = {}) const;
    [[nodiscard]] std::uint64_t lowest_trust_list() const noexcept { return lowest_trust_list_; }

private:
    SecretBuffer secret_;
    std::uint64_t lowest_trust_list_ = 0;
};

}  // namespace melder
