#pragma once
// The keys of one open compartment, and how they are derived and wrapped (layout.hpp). No I/O.

#include <map>
#include <optional>

#include "core/crypto.hpp"
#include "sdk/vault/platform_keys.hpp"

namespace melder::sdk {

using VaultKey = AeadKey;
using IndexKey = Secret<32, struct IndexKeyTag>;
using VaultSalt = ByteArray<32>;
using KeyCheck = ByteArray<16>;

enum class KeyPurpose : std::uint8_t { data = 0, index = 1, blind = 2 };

[[nodiscard]] VaultKey derive_vault_key(const DeviceKey& device_key, const LeaseShare& share, const VaultSalt& salt,
                                        Compartment compartment);
/// Tells a wrong device key from a damaged file; says nothing about the key.
[[nodiscard]] KeyCheck check_of(const VaultKey& key, const VaultSalt& salt);

[[nodiscard]] Bytes wrap_key(const VaultKey& vault_key, std::uint64_t id, Compartment compartment, KeyPurpose purpose,
                             BytesView key, Random& random);
[[nodiscard]] Result<SecretBuffer> unwrap_key(const VaultKey& vault_key, std::uint64_t id, Compartment compartment,
                                              KeyPurpose purpose, BytesView wrapped);

/// What binds a sealed cell to its row.
struct CellPlace {
    Table table;
    Lookup lookup;
    std::uint64_t version = 0;
    std::uint64_t data_key = 0;
    std::int64_t expires_ms = 0;  ///< 0: never
    Bytes group;
};

class KeyRing {
public:
    void add(std::uint64_t id, KeyPurpose purpose, SecretBuffer key);
    void drop_data_keys_below(std::uint64_t id);
    [[nodiscard]] bool complete() const { return !data_keys_.empty() && index_ && blind_; }

    [[nodiscard]] std::uint64_t current_data_key() const { return data_keys_.rbegin()->first; }
    [[nodiscard]] std::size_t data_keys() const { return data_keys_.size(); }
    [[nodiscard]] Lookup lookup(Table table, BytesView key) const;
    [[nodiscard]] Bytes group(Table table, BytesView group) const;
    [[nodiscard]] ByteArray<32> blind(std::initializer_list<BytesView> parts) const;

    [[nodiscard]] Bytes seal(const CellPlace& place, BytesView key, BytesView value, Random& random) const;
    struct Cell {
        SecretBuffer bytes;  ///< u16 key length ‖ key ‖ value
        [[nodiscard]] BytesView key() const;
        [[nodiscard]] BytesView value() const;
    };
    /// `vault_unreadable` for a cell that is not exactly what was sealed for this place.
    [[nodiscard]] Result<Cell> open(const CellPlace& place, BytesView sealed) const;

private:
    std::map<std::uint64_t, AeadKey> data_keys_;
    std::optional<IndexKey> index_;
    std::optional<IndexKey> blind_;
};

}  // namespace melder::sdk
