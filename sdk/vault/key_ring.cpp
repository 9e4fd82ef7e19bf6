#include "sdk/vault/key_ring.hpp"

#include "core/endian.hpp"

namespace melder::sdk {
namespace {

using Nonce = ByteArray<aead_nonce_bytes>;

Bytes seal_with_nonce(const AeadKey& key, BytesView aad, BytesView plaintext, Random& random) {
    Nonce nonce;
    random.fill(nonce);
    Bytes out(nonce.size() + plaintext.size() + aead_tag_bytes);
    std::ranges::copy(nonce, out.begin());
    aead_seal(key, nonce, aad, plaintext, std::span(out).subspan(nonce.size()));
    return out;
}

Result<SecretBuffer> open_with_nonce(const AeadKey& key, BytesView aad, BytesView sealed) {
    if (sealed.size() < aead_nonce_bytes + aead_tag_bytes) return Errc::vault_unreadable;
    auto opened = aead_open(key, sealed.first<aead_nonce_bytes>(), aad, sealed.subspan(aead_nonce_bytes));
    if (opened.has_error()) return Errc::vault_unreadable;
    return opened;
}

template <std::unsigned_integral T>
void append(Bytes& out, T value) {
    const auto bytes = big_endian(value);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes aad_of_wrap(std::uint64_t id, Compartment compartment, KeyPurpose purpose) {
    Bytes aad;
    append(aad, id);
    aad.push_back(static_cast<Byte>(compartment));
    aad.push_back(static_cast<Byte>(purpose));
    return aad;
}

Bytes aad_of_cell(const CellPlace& place) {
    Bytes aad;
    aad.push_back(static_cast<Byte>(place.table));
    aad.insert(aad.end(), place.lookup.begin(), place.lookup.end());
    append(aad, place.version);
    append(aad, place.data_key);
    append(aad, static_cast<std::uint64_t>(place.expires_ms));
    aad.insert(aad.end(), place.group.begin(), place.group.end());
    return aad;
}

Lookup blinded(const IndexKey& key, Table table, Byte kind, BytesView text) {
    const ByteArray<2> prefix{static_cast<Byte>(table), kind};
    const auto mac = hmac_sha256(key.expose(), {prefix, text});
    Lookup out;
    std::copy_n(mac.begin(), out.size(), out.begin());
    return out;
}

}  // namespace

VaultKey derive_vault_key(const DeviceKey& device_key, const LeaseShare& share, const VaultSalt& salt,
                          Compartment compartment) {
    SecretBuffer ikm(DeviceKey::size_bytes + 4 + share.size());
    const auto at = ikm.expose_writable();
    const auto length = big_endian(static_cast<std::uint32_t>(share.size()));
    std::ranges::copy(device_key.expose(), at.begin());
    std::ranges::copy(length, at.begin() + DeviceKey::size_bytes);
    std::ranges::copy(share.expose(), at.begin() + DeviceKey::size_bytes + 4);
    const ByteArray<1> which{static_cast<Byte>(compartment)};
    VaultKey key;
    hkdf_sha256(ikm.expose(), salt, {view(vault_key_context), which}, key.expose_writable());
    return key;
}

KeyCheck check_of(const VaultKey& key, const VaultSalt& salt) {
    KeyCheck check;
    hkdf_sha256(key.expose(), salt, {view(vault_check_context)}, check);
    return check;
}

Bytes wrap_key(const VaultKey& vault_key, std::uint64_t id, Compartment compartment, KeyPurpose purpose, BytesView key,
               Random& random) {
    return seal_with_nonce(vault_key, aad_of_wrap(id, compartment, purpose), key, random);
}

Result<SecretBuffer> unwrap_key(const VaultKey& vault_key, std::uint64_t id, Compartment compartment,
                                KeyPurpose purpose, BytesView wrapped) {
    MELDER_TRY(auto key, open_with_nonce(vault_key, aad_of_wrap(id, compartment, purpose), wrapped));
    if (key.size() != AeadKey::size_bytes) return Errc::vault_unreadable;
    return key;
}

void KeyRing::add(std::uint64_t id, KeyPurpose purpose, SecretBuffer key) {
    const auto bytes = key.expose().first<32>();
    switch (purpose) {
        case KeyPurpose::data:
            data_keys_.insert_or_assign(id, AeadKey(bytes));
            break;
        case KeyPurpose::index:
            index_.emplace(bytes);
            break;
        case KeyPurpose::blind:
            blind_.emplace(bytes);
            break;
    }
}

void KeyRing::drop_data_keys_below(std::uint64_t id) {
    data_keys_.erase(data_keys_.begin(), data_keys_.lower_bound(id));
}

Lookup KeyRing::lookup(Table table, BytesView key) const {
    return blinded(*index_, table, 'k', key);
}

Bytes KeyRing::group(Table table, BytesView group) const {
    if (group.empty()) return {};
    const Lookup out = blinded(*index_, table, 'g', group);
    return {out.begin(), out.end()};
}

ByteArray<32> KeyRing::blind(std::initializer_list<BytesView> parts) const {
    return hmac_sha256(blind_->expose(), parts);
}

Bytes KeyRing::seal(const CellPlace& place, BytesView key, BytesView value, Random& random) const {
    SecretBuffer plain(2 + key.size() + value.size());
    const auto at = plain.expose_writable();
    const auto length = big_endian(static_cast<std::uint16_t>(key.size()));
    std::ranges::copy(length, at.begin());
    std::ranges::copy(key, at.begin() + 2);
    std::ranges::copy(value, at.begin() + 2 + static_cast<std::ptrdiff_t>(key.size()));
    return seal_with_nonce(data_keys_.at(place.data_key), aad_of_cell(place), plain.expose(), random);
}

Result<KeyRing::Cell> KeyRing::open(const CellPlace& place, BytesView sealed) const {
    const auto data_key = data_keys_.find(place.data_key);
    if (data_key == data_keys_.end()) return Errc::vault_unreadable;
    MELDER_TRY(auto bytes, open_with_nonce(data_key->second, aad_of_cell(place), sealed));
    if (bytes.size() < 2) return Errc::vault_unreadable;
    const std::size_t key_bytes = from_big_endian<std::uint16_t>(bytes.expose().first<2>());
    if (bytes.size() < 2 + key_bytes) return Errc::vault_unreadable;
    return Cell{std::move(bytes)};
}

BytesView KeyRing::Cell::key() const {
    return bytes.expose().subspan(2, from_big_endian<std::uint16_t>(bytes.expose().first<2>()));
}
BytesView KeyRing::Cell::value() const {
    return bytes.expose().subspan(2 + key().size());
}

}  // namespace melder::sdk
