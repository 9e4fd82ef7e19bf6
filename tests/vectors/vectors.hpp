#pragma once
// Melder's golden vectors: what PROTOCOL.md says in formulas, with values. Formulas are computed here by hand, from
// HKDF, SHA-256 and AES-GCM alone, and the library must agree with them.

#include <optional>
#include <string>

#include "core/trust_list.hpp"
#include "tests/vectors/pen.hpp"

namespace melder::vectors {

/// What later vectors need of earlier ones.
struct Trusted {
    std::optional<RootSet> roots;
    std::optional<TrustList> list;
    Bytes administrator_seed;  ///< every right
    Bytes credential;          ///< the sender's
    Bytes sender_identity;     ///< X25519 private key
    Bytes statement;           ///< Signed, encoded
};

void write_link(Pen& pen);
void write_content(Pen& pen);
void write_signatures(Pen& pen);
void write_trust(Pen& pen, Trusted& trusted);
void write_order_log(Pen& pen, const Trusted& trusted);
void write_envelope(Pen& pen, const Trusted& trusted);
void write_enrolment_code(Pen& pen);
void write_own_copy(Pen& pen);
void write_safety_number(Pen& pen);

[[nodiscard]] std::string generate();
/// Empty if everything agrees, else the first thing that does not.
[[nodiscard]] std::string verify(std::string_view file);

/// Gives out fixed bytes, once, in order.
class FixedRandom final : public Random {
public:
    explicit FixedRandom(Bytes bytes) : bytes_(std::move(bytes)) {}
    void fill(std::span<Byte> out) override;

private:
    Bytes bytes_;
    std::size_t next_ = 0;
};

}  // namespace melder::vectors
