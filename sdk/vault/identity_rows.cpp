#include "sdk/vault/identity_rows.hpp"

#include "sdk/vault/boot_rows.hpp"
#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {
namespace {
constexpr ByteArray<1> the_identity{1};
}

Result<DeviceIdentity> load_identity(const VaultTransaction& transaction) {
    MELDER_TRY(const auto value, transaction.find(Table::identity, the_identity));
    if (!value) return Errc::not_enrolled;
    CellReader in(value->expose());
    DeviceIdentity out;
    MELDER_TRY(out.enrolment_id, in.id<EnrolmentId>());
    MELDER_TRY(out.registration_id, in.number<std::uint32_t>());
    MELDER_TRY(out.identity.public_key, in.id<X25519Public>());
    MELDER_TRY(out.identity.private_key, in.secret<X25519Private>());
    MELDER_TRY(const auto binding, in.bytes());
    out.signed_binding = to_bytes(binding);
    MELDER_TRY(const auto credential, in.bytes());
    out.credential = to_bytes(credential);
    MELDER_CHECK(in.end());
    return out;
}

Result<void> save_identity(VaultTransaction& transaction, const DeviceIdentity& identity) {
    CellWriter out(256 + identity.signed_binding.size() + identity.credential.size());
    out.fixed(identity.enrolment_id.view()).number(identity.registration_id).fixed(identity.identity.public_key.view());
    out.fixed(identity.identity.private_key.expose()).bytes(identity.signed_binding).bytes(identity.credential);
    MELDER_CHECK(transaction.put(Table::identity, the_identity, out.take()));
    MELDER_CHECK(put_boot(transaction, BootValue::enrolment_id, identity.enrolment_id.view()));
    if (identity.credential.empty()) return ok();
    return put_boot(transaction, BootValue::credential_hash, sha256(identity.credential).view());
}

Result<P256KeyPair> load_login_key(const VaultTransaction& transaction) {
    MELDER_TRY(const auto value, find_boot(transaction, BootValue::login_key));
    if (!value) return Errc::not_enrolled;
    CellReader in(value->expose());
    P256KeyPair out;
    MELDER_TRY(out.public_key, in.id<P256Public>());
    MELDER_TRY(out.private_key, in.secret<P256Private>());
    MELDER_CHECK(in.end());
    return out;
}

Result<void> save_login_key(VaultTransaction& transaction, const P256KeyPair& key) {
    const auto cell = CellWriter(128).fixed(key.public_key.view()).fixed(key.private_key.expose()).take();
    return put_boot(transaction, BootValue::login_key, cell.expose());
}

}  // namespace melder::sdk
