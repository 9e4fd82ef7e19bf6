#pragma once
// Sessions and peers, and the session layer's view of a transaction.

#include "sdk/crypto/session_store.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

/// Stages what an operation of the session layer wants written.
[[nodiscard]] Result<void> stage(VaultTransaction& transaction, StagedWrites writes);

/// Verified credentials by hash (encoded wire::Credential), and the newest one of each device.
[[nodiscard]] Result<void> put_credential(VaultTransaction& transaction, const Hash& hash, const EnrolmentId& device,
                                          BytesView encoded, UnixTime expires);
[[nodiscard]] Result<std::optional<Bytes>> find_credential(const VaultTransaction& transaction, const Hash& hash);
[[nodiscard]] Result<std::optional<Bytes>> find_credential_of(const VaultTransaction& transaction,
                                                              const EnrolmentId& device);

/// Sessions of a device that is gone.
[[nodiscard]] Result<void> erase_session(VaultTransaction& transaction, const EnrolmentId& peer);

/// SessionStore over whichever transaction is in use; without one, every call is `internal`.
class VaultSessionStore final : public SessionStore {
public:
    /// Uses `transaction` until the guard ends.
    class [[nodiscard]] Use {
    public:
        Use(VaultSessionStore& store, const VaultTransaction& transaction)
            : store_(store), former_(store.transaction_) {
            store.transaction_ = &transaction;
        }
        ~Use() { store_.transaction_ = former_; }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

    private:
        VaultSessionStore& store_;
        const VaultTransaction* former_;
    };

    [[nodiscard]] Result<UnixTime> now() override;
    [[nodiscard]] Result<X25519KeyPair> load_identity() override;
    [[nodiscard]] Result<std::uint32_t> load_registration_id() override;
    [[nodiscard]] Result<std::optional<SecretBuffer>> load_session(const EnrolmentId& peer) override;
    [[nodiscard]] Result<std::optional<X25519Public>> load_trusted_identity(const EnrolmentId& peer) override;
    [[nodiscard]] Result<std::optional<X25519KeyPair>> load_one_time_prekey(std::uint32_t id) override;
    [[nodiscard]] Result<std::optional<SignedPrekeyPair>> load_signed_prekey(std::uint32_t id) override;
    [[nodiscard]] Result<bool> knows_base_key(std::uint32_t signed_prekey_id, const X25519Public& key) override;

private:
    [[nodiscard]] Result<const VaultTransaction*> used() const;
    const VaultTransaction* transaction_ = nullptr;
};

}  // namespace melder::sdk
