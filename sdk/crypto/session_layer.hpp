#pragma once
// 1:1 sessions (Signal v3 over libsignal-protocol-c) behind the fences of DESIGN section 8.
//
// Thread: one lane; one SessionLayer (one signal_context) per account, never shared.
// Every operation returns the next state as StagedWrites; dropped, it never happened.
//
// Errors: bad_key, bad_signature, identity_changed (key or registration id), inner_malformed, no_session,
// undecryptable, replayed, gap_too_large (a new session is needed), unknown_prekey, too_large, out_of_memory (says
// nothing about the message: try it again later), and whatever the store answers. The constructor throws if libsignal's
// curve fails its self-test.

#include <memory>

#include "core/random.hpp"
#include "sdk/crypto/session_store.hpp"

namespace melder::sdk {

enum class InnerType : std::uint8_t { prekey = 1, signal = 2 };  ///< numbers of MessageType in content.proto

/// AES-256-CBC key and IV of exactly one message: what a pending row keeps.
struct MessageKey {
    Secret<32, struct MessageCipherKeyTag> key;
    Secret<16, struct MessageIvTag> iv;
};

/// Out of a verified credential.
struct CertifiedPeer {
    EnrolmentId device;
    X25519Public identity_key;
    std::uint32_t registration_id = 0;  ///< a first message must carry the same
};

/// As it came from the server; nothing about it has been checked.
struct ReceivedBundle {
    std::uint32_t signed_prekey_id = 0;
    Bytes signed_prekey;            ///< must be 33 bytes, type 5
    Bytes signed_prekey_signature;  ///< must be 64 bytes
    std::optional<std::uint32_t> one_time_prekey_id;
    Bytes one_time_prekey;
};

struct EncryptedInner {
    InnerType type = InnerType::signal;
    Bytes message;
    MessageKey message_key;  ///< for the sender's own history row
    StagedWrites writes;
};
struct DecryptedInner {
    SecretBuffer plaintext;
    MessageKey message_key;
    StagedWrites writes;
};

class SessionLayer {
public:
    SessionLayer(SessionStore& store, Random& random);
    ~SessionLayer();
    SessionLayer(const SessionLayer&) = delete;
    SessionLayer& operator=(const SessionLayer&) = delete;

    [[nodiscard]] Result<StagedWrites> process_bundle(const CertifiedPeer& peer, const ReceivedBundle& bundle);
    [[nodiscard]] Result<EncryptedInner> encrypt(const CertifiedPeer& peer, BytesView plaintext);
    [[nodiscard]] Result<DecryptedInner> decrypt(const CertifiedPeer& peer, InnerType type, BytesView message);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// A redelivered envelope with a pending row: never through the ratchet. The caller has compared the inner message's
/// hash with the row's, which stands for the MAC.
[[nodiscard]] Result<SecretBuffer> open_from_pending_row(const MessageKey& key, InnerType type, BytesView message);

}  // namespace melder::sdk
