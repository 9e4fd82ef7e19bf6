#pragma once
// What the session layer reads from the vault, and what one of its operations wants written. The layer never writes:
// the vault commits StagedWrites in one transaction and only then releases ciphertext or plaintext (DESIGN section 4).

#include <optional>

#include "core/clock.hpp"
#include "core/crypto.hpp"

namespace melder::sdk {

/// Written together or not at all.
struct StagedWrites {
    EnrolmentId peer;
    std::optional<SecretBuffer> session_record;  ///< opaque: session_record.hpp
    std::optional<X25519Public> trusted_identity;
    std::optional<std::uint32_t> removed_one_time_prekey;
    struct BaseKey {
        std::uint32_t signed_prekey_id = 0;
        X25519Public key;
    };
    std::optional<BaseKey> remembered_base_key;  ///< kept as long as the signed prekey's private key
};

struct SignedPrekeyPair {
    X25519KeyPair keys;
    ByteArray<64> signature{};
    std::uint64_t created_ms = 0;
};

/// Called on the account's lane, inside an operation of SessionLayer. Reads must see what is staged already in the
/// transaction the caller will commit. An error ends the operation and is returned from it.
class SessionStore {
public:
    virtual ~SessionStore() = default;
    /// The account's wall time; 1970 while it is not known.
    [[nodiscard]] virtual Result<UnixTime> now() = 0;
    [[nodiscard]] virtual Result<X25519KeyPair> load_identity() = 0;
    [[nodiscard]] virtual Result<std::uint32_t> load_registration_id() = 0;
    [[nodiscard]] virtual Result<std::optional<SecretBuffer>> load_session(const EnrolmentId& peer) = 0;
    [[nodiscard]] virtual Result<std::optional<X25519Public>> load_trusted_identity(const EnrolmentId& peer) = 0;
    [[nodiscard]] virtual Result<std::optional<X25519KeyPair>> load_one_time_prekey(std::uint32_t id) = 0;
    [[nodiscard]] virtual Result<std::optional<SignedPrekeyPair>> load_signed_prekey(std::uint32_t id) = 0;
    [[nodiscard]] virtual Result<bool> knows_base_key(std::uint32_t signed_prekey_id, const X25519Public& key) = 0;
};

}  // namespace melder::sdk
