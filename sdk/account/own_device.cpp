#include "sdk/account/own_device.hpp"

#include "core/endian.hpp"
#include "core/limits.hpp"

namespace melder::sdk {

namespace {

// Lookup keys; persisted, so never changed.
constexpr std::string_view keys_row = "own keys";
constexpr std::string_view credential_row = "own credential";
constexpr std::string_view device_row = "device";
constexpr std::string_view login_row = "login key";
constexpr std::string_view credential_hash_row = "credential hash";
constexpr std::string_view trust_row = "trust list";
constexpr std::string_view epoch_row = "store epoch";
constexpr std::string_view book_row = "order book";

// identity private ‖ identity public ‖ registration id
constexpr std::size_t keys_row_bytes = 32 + 32 + 4;

}  // namespace

OwnKeys OwnKeys::make(const EnrolmentId& device, Random& random) {
    auto login = generate_p256();
    const auto registration = static_cast<std::uint32_t>(1 + random.below(limits::registration_id_highest));
    return {device, registration, generate_x25519(random), std::move(login.private_key)};
}

Result<Binding> OwnKeys::binding() const {
    MELDER_TRY(const auto login_public, p256_public_of(login));
    return Binding{device, identity.public_key, login_public, registration_id};
}

Result<void> put_own_keys(VaultTransaction& transaction, const OwnKeys& keys) {
    SecretBuffer row(keys_row_bytes);
    auto out = row.expose_writable();
    std::ranges::copy(keys.identity.private_key.expose(), out.begin());
    std::ranges::copy(keys.identity.public_key.view(), out.begin() + 32);
    std::ranges::copy(big_endian(keys.registration_id), out.begin() + 64);
    MELDER_CHECK(transaction.put(Table::identity, view(keys_row), std::move(row)));
    MELDER_CHECK(transaction.put(Table::boot_values, view(login_row), SecretBuffer(keys.login.expose())));
    return transaction.put(Table::boot_values, view(device_row), SecretBuffer(keys.device.view()));
}

Result<std::optional<OwnKeys>> load_own_keys(const VaultTransaction& transaction) {
    MELDER_TRY(const auto keys, transaction.find(Table::identity, view(keys_row)));
    if (!keys) return std::optional<OwnKeys>();
    MELDER_TRY(const auto login, transaction.find(Table::boot_values, view(login_row)));
    MELDER_TRY(const auto device, transaction.find(Table::boot_values, view(device_row)));
    if (!login || !device || keys->size() != keys_row_bytes) return Errc::vault_unreadable;
    const auto bytes = keys->expose();
    OwnKeys own;
    MELDER_TRY(own.device, EnrolmentId::from(device->expose()));
    MELDER_TRY(own.login, P256Private::from(login->expose()));
    MELDER_TRY(own.identity.private_key, X25519Private::from(bytes.subspan(0, 32)));
    MELDER_TRY(own.identity.public_key, X25519Public::from(bytes.subspan(32, 32)));
    own.registration_id = from_big_endian<std::uint32_t>(bytes.subspan<64, 4>());
    return std::optional<OwnKeys>(std::move(own));
}

Result<void> put_own_credential(VaultTransaction& transaction, const Credential& credential) {
    MELDER_CHECK(transaction.put(Table::main_values, view(credential_row), SecretBuffer(credential.encoded())));
    return transaction.put(Table::boot_values, view(credential_hash_row), SecretBuffer(credential.hash().view()));
}

Result<std::optional<SecretBuffer>> load_own_credential(const VaultTransaction& transaction) {
    return transaction.find(Table::main_values, view(credential_row));
}

Result<void> put_trust_list(VaultTransaction& transaction, const TrustList& trust) {
    const auto encoded = trust.document().encode();
    return transaction.put(Table::boot_values, view(trust_row), SecretBuffer(encoded));
}

Result<std::shared_ptr<const TrustList>> load_trust_list(const VaultTransaction& transaction, const RootSet& roots) {
    MELDER_TRY(const auto row, transaction.find(Table::boot_values, view(trust_row)));
    if (!row) return std::shared_ptr<const TrustList>();
    MELDER_TRY(const auto document, SignedBytes::parse(row->expose()));
    MELDER_TRY(auto trust, TrustList::verify(document, roots));
    return std::shared_ptr<const TrustList>(std::make_shared<const TrustList>(std::move(trust)));
}

Result<void> put_store_epoch(VaultTransaction& transaction, const StoreEpoch& epoch) {
    return transaction.put(Table::boot_values, view(epoch_row), SecretBuffer(epoch.view()));
}

Result<StoreEpoch> load_store_epoch(const VaultTransaction& transaction) {
    MELDER_TRY(const auto row, transaction.find(Table::boot_values, view(epoch_row)));
    if (!row) return StoreEpoch();
    return StoreEpoch::from(row->expose());
}

Result<void> put_order_book(VaultTransaction& transaction, const OrderBook& book) {
    const auto encoded = book.encode();
    return transaction.put(Table::boot_values, view(book_row), SecretBuffer(encoded));
}

Result<OrderBook> load_order_book(const VaultTransaction& transaction) {
    MELDER_TRY(const auto row, transaction.find(Table::boot_values, view(book_row)));
    if (!row) return OrderBook();
    return OrderBook::decode(row->expose());
}

}  // namespace melder::sdk
