#include "sdk/vault/boot_rows.hpp"

#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {
namespace {
ByteArray<1> key_of(BootValue which) {
    return {static_cast<Byte>(which)};
}
}  // namespace

Result<std::optional<SecretBuffer>> find_boot(const VaultTransaction& transaction, BootValue which) {
    return transaction.find(Table::boot_values, key_of(which));
}

Result<void> put_boot(VaultTransaction& transaction, BootValue which, BytesView value) {
    return transaction.put(Table::boot_values, key_of(which), SecretBuffer(value));
}

Result<std::uint64_t> load_boot_number(const VaultTransaction& transaction, BootValue which) {
    MELDER_TRY(const auto value, find_boot(transaction, which));
    if (!value) return 0u;
    return CellReader(value->expose()).number<std::uint64_t>();
}

Result<void> put_boot_number(VaultTransaction& transaction, BootValue which, std::uint64_t value) {
    return put_boot(transaction, which, big_endian(value));
}

}  // namespace melder::sdk
