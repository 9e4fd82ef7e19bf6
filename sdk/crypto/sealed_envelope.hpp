#pragma once
// The sealed envelope, suite 1 (DESIGN section 3): one shared body, one small header per device. Thread-safe, no state.

#include <memory>
#include <optional>
#include <vector>

#include "core/credential.hpp"
#include "core/envelope.hpp"

namespace melder::sdk {

using BodyKey = Secret<32, struct BodyKeyTag>;  ///< M

/// The parts of wire::EnvelopeBody.
struct SealedParts {
    ByteArray<SharedHeader::size_bytes> header{};
    X25519Public ephemeral;
    Hash commitment;
    Bytes sealed;
};
struct SealedHeader {
    EnrolmentId recipient;
    ByteArray<32> wrapped_key{};
    ByteArray<16> tag{};
};
struct SealRecipient {
    EnrolmentId device;
    X25519Public identity_key;
    EnvelopeId envelope_id;
    const SharedSecret* static_secret = nullptr;  ///< a cached DH(s,R); computed when null
};
struct Sealed {
    SealedParts body;
    std::vector<SealedHeader> headers;  ///< in the order of the recipients
    Hash transcript;                    ///< T; with M what the sender's own history row keeps
    BodyKey body_key;                   ///< M
};

/// `body` is an encoded SealedBody; the bucket of `header` is chosen here. `too_large` beyond the largest bucket,
/// `bad_key` for a low-order recipient.
[[nodiscard]] Result<Sealed> seal(SharedHeader header, BytesView body, const EnrolmentId& sender,
                                  const X25519KeyPair& sender_identity, std::span<const SealRecipient> recipients,
                                  Random& random);

struct OpenRecipient {
    EnrolmentId device;
    const X25519KeyPair& identity;
    EnvelopeId envelope_id;
};

/// Second step: com was right and B opened. The plaintext cannot be reached from here: only what names the sender is
/// readable, until `authenticate` has been given the verified credential.
class OpenedBody {
public:
    [[nodiscard]] BytesView encoded_credential() const noexcept;
    /// Checks that the credential is the one in B and names its sender, then tag_i. `credential_invalid` or
    /// `sender_unauthenticated`; consumes the body either way. Returns the encoded SealedBody.
    [[nodiscard]] Result<SecretBuffer> authenticate(const Credential& verified) &&;

private:
    friend Result<OpenedBody> open(const SealedParts&, const SealedHeader&, const OpenRecipient&);
    SecretBuffer plaintext_;
    BytesView sender_id_, credential_;  ///< into plaintext_
    Hash transcript_;
    ByteArray<48> wrapped_and_tag_{};
    EnrolmentId recipient_;
    EnvelopeId envelope_id_;
    X25519Public recipient_key_;
    X25519Private own_;
    SharedSecret ephemeral_secret_;
};

/// First step. `sealed_invalid` if com, B or the padding is wrong.
[[nodiscard]] Result<OpenedBody> open(const SealedParts& body, const SealedHeader& header, const OpenRecipient& self);

}  // namespace melder::sdk
