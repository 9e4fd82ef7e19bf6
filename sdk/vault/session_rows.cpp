#include "sdk/vault/session_rows.hpp"

#include "sdk/vault/identity_rows.hpp"
#include "sdk/vault/prekey_rows.hpp"

namespace melder::sdk {

Result<void> stage(VaultTransaction& transaction, StagedWrites writes) {
    // Into a nested transaction first: half of them is none of them.
    auto inner = transaction.nested();
    if (writes.session_record) {
        MELDER_CHECK(inner.put(Table::sessions, writes.peer.view(), std::move(*writes.session_record)));
    }
    if (writes.trusted_identity) {
        MELDER_CHECK(inner.put(Table::peers, writes.peer.view(), SecretBuffer(writes.trusted_identity->view())));
    }
    if (writes.removed_one_time_prekey) MELDER_CHECK(erase_one_time_prekey(inner, *writes.removed_one_time_prekey));
    if (writes.remembered_base_key) {
        MELDER_CHECK(
            remember_base_key(inner, writes.remembered_base_key->signed_prekey_id, writes.remembered_base_key->key));
    }
    inner.keep();
    return ok();
}

Result<void> put_credential(VaultTransaction& transaction, const Hash& hash, const EnrolmentId& device,
                            BytesView encoded, UnixTime expires) {
    MELDER_CHECK(transaction.put(Table::credentials, hash.view(), SecretBuffer(encoded), {expires, device.view()}));
    return transaction.put(Table::credentials, device.view(), SecretBuffer(hash.view()), {expires, device.view()});
}

Result<std::optional<Bytes>> find_credential(const VaultTransaction& transaction, const Hash& hash) {
    MELDER_TRY(const auto value, transaction.find(Table::credentials, hash.view()));
    if (!value) return std::optional<Bytes>();
    return std::optional<Bytes>(to_bytes(value->expose()));
}

Result<std::optional<Bytes>> find_credential_of(const VaultTransaction& transaction, const EnrolmentId& device) {
    MELDER_TRY(const auto value, transaction.find(Table::credentials, device.view()));
    if (!value) return std::optional<Bytes>();
    MELDER_TRY(const auto hash, Hash::from(value->expose()));
    return find_credential(transaction, hash);
}

Result<void> erase_session(VaultTransaction& transaction, const EnrolmentId& peer) {
    return transaction.erase(Table::sessions, peer.view());
}

Result<const VaultTransaction*> VaultSessionStore::used() const {
    if (!transaction_) return Error(Errc::internal, "a session operation outside a vault transaction");
    return transaction_;
}

Result<UnixTime> VaultSessionStore::now() {
    MELDER_TRY(const auto* transaction, used());
    return transaction->now();
}

Result<X25519KeyPair> VaultSessionStore::load_identity() {
    MELDER_TRY(const auto* transaction, used());
    MELDER_TRY(auto identity, sdk::load_identity(*transaction));
    return std::move(identity.identity);
}

Result<std::uint32_t> VaultSessionStore::load_registration_id() {
    MELDER_TRY(const auto* transaction, used());
    MELDER_TRY(const auto identity, sdk::load_identity(*transaction));
    return identity.registration_id;
}

Result<std::optional<SecretBuffer>> VaultSessionStore::load_session(const EnrolmentId& peer) {
    MELDER_TRY(const auto* transaction, used());
    return transaction->find(Table::sessions, peer.view());
}

Result<std::optional<X25519Public>> VaultSessionStore::load_trusted_identity(const EnrolmentId& peer) {
    MELDER_TRY(const auto* transaction, used());
    MELDER_TRY(const auto value, transaction->find(Table::peers, peer.view()));
    if (!value) return std::optional<X25519Public>();
    MELDER_TRY(const auto key, X25519Public::from(value->expose()));
    return std::optional<X25519Public>(key);
}

Result<std::optional<X25519KeyPair>> VaultSessionStore::load_one_time_prekey(std::uint32_t id) {
    MELDER_TRY(const auto* transaction, used());
    return find_one_time_prekey(*transaction, id);
}

Result<std::optional<SignedPrekeyPair>> VaultSessionStore::load_signed_prekey(std::uint32_t id) {
    MELDER_TRY(const auto* transaction, used());
    return find_signed_prekey(*transaction, id);
}

Result<bool> VaultSessionStore::knows_base_key(std::uint32_t signed_prekey_id, const X25519Public& key) {
    MELDER_TRY(const auto* transaction, used());
    return sdk::knows_base_key(*transaction, signed_prekey_id, key);
}

}  // namespace melder::sdk
