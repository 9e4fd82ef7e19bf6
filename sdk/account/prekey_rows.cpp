#include "sdk/account/prekey_rows.hpp"

#include "core/endian.hpp"

namespace melder::sdk {

namespace {

// one-time: private ‖ public.  signed: private ‖ public ‖ signature ‖ made at ‖ replaced at (0: in use, or never
// uploaded)
constexpr std::size_t one_time_bytes = 64;
constexpr std::size_t signed_bytes = 64 + 64 + 8 + 8;
constexpr std::string_view next_id_row = "next prekey id";

Result<std::uint32_t> take_ids(VaultTransaction& transaction, std::uint32_t count) {
    std::uint32_t next = 1;
    MELDER_TRY(const auto row, transaction.find(Table::main_values, view(next_id_row)));
    if (row) {
        if (row->size() != 4) return Errc::vault_unreadable;
        next = from_big_endian<std::uint32_t>(row->expose().subspan<0, 4>());
    }
    // Signal's prekey ids are 24-bit; 200 a day last for two centuries.
    if (next > 0x00FF'FFFF - count) return Error(Errc::internal, "the prekey ids of this device are used up");
    const auto after = big_endian(next + count);
    MELDER_CHECK(transaction.put(Table::main_values, view(next_id_row), SecretBuffer(BytesView(after))));
    return next;
}

void write_pair(std::span<Byte> out, const X25519KeyPair& pair) {
    std::ranges::copy(pair.private_key.expose(), out.begin());
    std::ranges::copy(pair.public_key.view(), out.begin() + 32);
}

Result<X25519KeyPair> read_pair(BytesView row) {
    MELDER_TRY(auto private_key, X25519Private::from(row.subspan(0, 32)));
    MELDER_TRY(const auto public_key, X25519Public::from(row.subspan(32, 32)));
    return X25519KeyPair{public_key, std::move(private_key)};
}

Result<std::uint32_t> read_id(BytesView key) {
    if (key.size() != 4) return Errc::vault_unreadable;
    return from_big_endian<std::uint32_t>(key.subspan<0, 4>());
}

}  // namespace

Result<wire::PrekeyUpload> make_prekeys(VaultTransaction& transaction, const OwnKeys& own, const MakePrekeys& wanted,
                                        Random& random) {
    wire::PrekeyUpload upload;
    upload.set_replace_all(wanted.replace_all);
    MELDER_TRY(auto id, take_ids(transaction, wanted.one_time + (wanted.rotate ? 1 : 0)));
    if (wanted.rotate) {
        const auto pair = generate_x25519(random);
        const auto public_key = to_djb_key(pair.public_key);
        const auto signature = sign_xeddsa(own.identity.private_key, public_key, random);
        SecretBuffer row(signed_bytes);
        auto out = row.expose_writable();
        write_pair(out, pair);
        std::ranges::copy(signature, out.begin() + 64);
        std::ranges::copy(big_endian(static_cast<std::uint64_t>(transaction.now().ms)), out.begin() + 128);
        const auto key = big_endian(id);
        MELDER_CHECK(transaction.put(Table::signed_prekeys, key, std::move(row)));
        upload.mutable_signed_prekey()->set_id(id++);
        upload.mutable_signed_prekey()->set_public_key(to_string(public_key));
        upload.mutable_signed_prekey()->set_signature(to_string(signature));
    }
    for (std::uint32_t n = 0; n < wanted.one_time; ++n, ++id) {
        const auto pair = generate_x25519(random);
        SecretBuffer row(one_time_bytes);
        write_pair(row.expose_writable(), pair);
        const auto key = big_endian(id);
        MELDER_CHECK(transaction.put(Table::one_time_prekeys, key, std::move(row)));
        auto* entry = upload.add_one_time();
        entry->set_id(id);
        entry->set_public_key(to_string(to_djb_key(pair.public_key)));
    }
    return upload;
}

Result<void> put_signed_prekey_in_use(VaultTransaction& transaction, std::uint32_t id) {
    std::vector<std::pair<Bytes, SecretBuffer>> changed;
    MELDER_CHECK(transaction.for_each(Table::signed_prekeys, [&](BytesView key, BytesView value) -> Result<void> {
        MELDER_TRY(const auto other, read_id(key));
        if (value.size() != signed_bytes) return Errc::vault_unreadable;
        if (other == id || from_big_endian<std::uint64_t>(value.subspan<136, 8>()) != 0) return ok();
        SecretBuffer row(value);
        std::ranges::copy(big_endian(static_cast<std::uint64_t>(transaction.now().ms)),
                          row.expose_writable().begin() + 136);
        changed.emplace_back(to_bytes(key), std::move(row));
        return ok();
    }));
    for (auto& [key, row] : changed)
        MELDER_CHECK(transaction.put(Table::signed_prekeys, key, std::move(row)));
    return ok();
}

Result<void> erase_signed_prekey(VaultTransaction& transaction, std::uint32_t id) {
    const auto key = big_endian(id);
    MELDER_CHECK(transaction.erase(Table::signed_prekeys, key));
    return transaction.erase_group(Table::base_keys, key);
}

Result<std::vector<PrekeyLogic::SignedPrekeyAge>> load_signed_prekey_ages(const VaultTransaction& transaction) {
    std::vector<PrekeyLogic::SignedPrekeyAge> ages;
    MELDER_CHECK(transaction.for_each(Table::signed_prekeys, [&](BytesView key, BytesView value) -> Result<void> {
        MELDER_TRY(const auto id, read_id(key));
        if (value.size() != signed_bytes) return Errc::vault_unreadable;
        const auto made = from_big_endian<std::uint64_t>(value.subspan<128, 8>());
        const auto replaced = from_big_endian<std::uint64_t>(value.subspan<136, 8>());
        PrekeyLogic::SignedPrekeyAge age{id, UnixTime{static_cast<std::int64_t>(made)}, std::nullopt};
        if (replaced != 0) age.replaced_at = UnixTime{static_cast<std::int64_t>(replaced)};
        ages.push_back(age);
        return ok();
    }));
    return ages;
}

Result<std::optional<Hash>> prekey_digest(const VaultTransaction& transaction, std::uint32_t count) {
    std::map<std::uint32_t, ByteArray<33>> keys;
    MELDER_CHECK(transaction.for_each(Table::one_time_prekeys, [&](BytesView key, BytesView value) -> Result<void> {
        MELDER_TRY(const auto id, read_id(key));
        if (value.size() != one_time_bytes) return Errc::vault_unreadable;
        MELDER_TRY(const auto public_key, X25519Public::from(value.subspan(32, 32)));
        keys.emplace(id, to_djb_key(public_key));
        return ok();
    }));
    if (keys.size() < count) return std::optional<Hash>();
    Bytes bytes;
    for (auto entry = std::next(keys.begin(), static_cast<std::ptrdiff_t>(keys.size() - count)); entry != keys.end();
         ++entry) {
        const auto id = big_endian(entry->first);
        bytes.insert(bytes.end(), id.begin(), id.end());
        bytes.insert(bytes.end(), entry->second.begin(), entry->second.end());
    }
    return std::optional<Hash>(sha256(bytes));
}

Result<std::optional<X25519KeyPair>> load_one_time_prekey(const VaultTransaction& transaction, std::uint32_t id) {
    const auto key = big_endian(id);
    MELDER_TRY(const auto row, transaction.find(Table::one_time_prekeys, key));
    if (!row) return std::optional<X25519KeyPair>();
    if (row->size() != one_time_bytes) return Errc::vault_unreadable;
    MELDER_TRY(auto pair, read_pair(row->expose()));
    return std::optional<X25519KeyPair>(std::move(pair));
}

Result<std::optional<SignedPrekeyPair>> load_signed_prekey(const VaultTransaction& transaction, std::uint32_t id) {
    const auto key = big_endian(id);
    MELDER_TRY(const auto row, transaction.find(Table::signed_prekeys, key));
    if (!row) return std::optional<SignedPrekeyPair>();
    if (row->size() != signed_bytes) return Errc::vault_unreadable;
    const auto bytes = row->expose();
    SignedPrekeyPair pair;
    MELDER_TRY(pair.keys, read_pair(bytes));
    std::ranges::copy(bytes.subspan(64, 64), pair.signature.begin());
    pair.created_ms = from_big_endian<std::uint64_t>(bytes.subspan<128, 8>());
    return std::optional<SignedPrekeyPair>(std::move(pair));
}

}  // namespace melder::sdk
