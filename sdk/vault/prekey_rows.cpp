#include "sdk/vault/prekey_rows.hpp"

#include <chrono>

#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {
namespace {

constexpr auto kept_besides_ttl = std::chrono::hours(24);
constexpr std::uint32_t highest_id = 0xfffffe;  // Signal's medium: 24 bits

// Rows of Table::main_values that belong to prekeys: persisted numbers.
constexpr ByteArray<1> next_one_time_id{1};
constexpr ByteArray<1> next_signed_id{2};
constexpr ByteArray<1> present_signed_id{3};

Result<std::uint32_t> number(const VaultTransaction& transaction, BytesView key, std::uint32_t otherwise) {
    MELDER_TRY(const auto value, transaction.find(Table::main_values, key));
    if (!value) return otherwise;
    return CellReader(value->expose()).number<std::uint32_t>();
}

Result<void> put_number(VaultTransaction& transaction, BytesView key, std::uint32_t value) {
    return transaction.put(Table::main_values, key, SecretBuffer(big_endian(value)));
}

Result<std::uint32_t> take_ids(VaultTransaction& transaction, BytesView counter, std::uint32_t count) {
    MELDER_TRY(const auto first, number(transaction, counter, 1));
    if (count > highest_id || first > highest_id - count) return Error(Errc::internal, "the prekey ids are used up");
    MELDER_CHECK(put_number(transaction, counter, first + count));
    return first;
}

struct StoredOneTime {
    bool replaced = false;
    X25519KeyPair keys;
};
SecretBuffer encode(const X25519KeyPair& keys, bool replaced) {
    CellWriter out(65);
    return out.number(static_cast<Byte>(replaced))
        .fixed(keys.public_key.view())
        .fixed(keys.private_key.expose())
        .take();
}
Result<StoredOneTime> decode_one_time(BytesView value) {
    CellReader in(value);
    StoredOneTime out;
    MELDER_TRY(const auto replaced, in.number<Byte>());
    out.replaced = replaced != 0;
    MELDER_TRY(out.keys.public_key, in.id<X25519Public>());
    MELDER_TRY(out.keys.private_key, in.secret<X25519Private>());
    MELDER_CHECK(in.end());
    return out;
}

struct StoredSigned {
    SignedPrekeyPair pair;
    UnixTime kept_until;  ///< 0: the present one
};
SecretBuffer encode(const SignedPrekeyPair& pair, UnixTime kept_until) {
    CellWriter out(160);
    out.fixed(pair.keys.public_key.view()).fixed(pair.keys.private_key.expose()).fixed(pair.signature);
    return out.number(pair.created_ms).time(kept_until).take();
}
Result<std::optional<StoredSigned>> find_stored(const VaultTransaction& transaction, std::uint32_t id) {
    MELDER_TRY(const auto value, transaction.find(Table::signed_prekeys, big_endian(id)));
    if (!value) return std::optional<StoredSigned>();
    CellReader in(value->expose());
    StoredSigned out;
    MELDER_TRY(out.pair.keys.public_key, in.id<X25519Public>());
    MELDER_TRY(out.pair.keys.private_key, in.secret<X25519Private>());
    MELDER_TRY(const auto signature, in.fixed(64));
    std::ranges::copy(signature, out.pair.signature.begin());
    MELDER_TRY(out.pair.created_ms, in.number<std::uint64_t>());
    MELDER_TRY(out.kept_until, in.time());
    MELDER_CHECK(in.end());
    return std::optional<StoredSigned>(std::move(out));
}

std::optional<UnixTime> expiry_of(UnixTime kept_until) {
    if (kept_until.ms == 0) return std::nullopt;
    return kept_until;
}

Bytes base_key_row(std::uint32_t signed_prekey_id, const X25519Public& base_key) {
    Bytes out = to_bytes(big_endian(signed_prekey_id));
    out.insert(out.end(), base_key.view().begin(), base_key.view().end());
    return out;
}

}  // namespace

Result<std::uint32_t> take_one_time_prekey_ids(VaultTransaction& transaction, std::uint32_t count) {
    return take_ids(transaction, next_one_time_id, count);
}
Result<std::uint32_t> take_signed_prekey_id(VaultTransaction& transaction) {
    return take_ids(transaction, next_signed_id, 1);
}

Result<void> put_one_time_prekey(VaultTransaction& transaction, std::uint32_t id, const X25519KeyPair& keys) {
    return transaction.put(Table::one_time_prekeys, big_endian(id), encode(keys, false));
}

Result<std::optional<X25519KeyPair>> find_one_time_prekey(const VaultTransaction& transaction, std::uint32_t id) {
    MELDER_TRY(const auto value, transaction.find(Table::one_time_prekeys, big_endian(id)));
    if (!value) return std::optional<X25519KeyPair>();
    MELDER_TRY(auto stored, decode_one_time(value->expose()));
    return std::optional<X25519KeyPair>(std::move(stored.keys));
}

Result<void> erase_one_time_prekey(VaultTransaction& transaction, std::uint32_t id) {
    return transaction.erase(Table::one_time_prekeys, big_endian(id));
}

Result<std::vector<OneTimePrekeyRow>> load_one_time_prekeys(const VaultTransaction& transaction) {
    std::vector<OneTimePrekeyRow> out;
    MELDER_CHECK(transaction.for_each(Table::one_time_prekeys, [&](BytesView key, BytesView value) -> Result<void> {
        MELDER_TRY(const auto id, CellReader(key).number<std::uint32_t>());
        MELDER_TRY(const auto stored, decode_one_time(value));
        out.push_back({id, stored.keys.public_key, stored.replaced});
        return ok();
    }));
    std::ranges::sort(out, {}, &OneTimePrekeyRow::id);
    return out;
}

Result<void> replace_one_time_prekeys(VaultTransaction& transaction, Millis ttl) {
    MELDER_TRY(const auto rows, load_one_time_prekeys(transaction));
    const UnixTime kept_until = transaction.now() + ttl + kept_besides_ttl;
    for (const auto& row : rows) {
        if (row.replaced) continue;
        MELDER_TRY(const auto keys, find_one_time_prekey(transaction, row.id));
        if (!keys) continue;
        MELDER_CHECK(
            transaction.put(Table::one_time_prekeys, big_endian(row.id), encode(*keys, true), {kept_until, {}}));
    }
    return ok();
}

Result<void> put_signed_prekey(VaultTransaction& transaction, std::uint32_t id, const SignedPrekeyPair& pair,
                               Millis ttl) {
    MELDER_TRY(const auto former_id, load_present_signed_prekey_id(transaction));
    MELDER_TRY(const auto former, find_stored(transaction, former_id));
    if (former && former_id != id) {
        const UnixTime kept_until = transaction.now() + ttl + kept_besides_ttl;
        const auto group = big_endian(former_id);
        MELDER_CHECK(transaction.put(Table::signed_prekeys, group, encode(former->pair, kept_until), {kept_until, {}}));
        std::vector<Bytes> base_keys;
        MELDER_CHECK(transaction.for_each_in(Table::base_keys, group, [&](BytesView key, BytesView) {
            base_keys.push_back(to_bytes(key));
            return ok();
        }));
        for (const auto& key : base_keys) {
            MELDER_CHECK(transaction.put(Table::base_keys, key, SecretBuffer(), {kept_until, group}));
        }
    }
    MELDER_CHECK(transaction.put(Table::signed_prekeys, big_endian(id), encode(pair, UnixTime{})));
    return put_number(transaction, present_signed_id, id);
}

Result<std::optional<SignedPrekeyPair>> find_signed_prekey(const VaultTransaction& transaction, std::uint32_t id) {
    MELDER_TRY(auto stored, find_stored(transaction, id));
    if (!stored) return std::optional<SignedPrekeyPair>();
    return std::optional<SignedPrekeyPair>(std::move(stored->pair));
}

Result<std::uint32_t> load_present_signed_prekey_id(const VaultTransaction& transaction) {
    return number(transaction, present_signed_id, 0);
}

Result<void> remember_base_key(VaultTransaction& transaction, std::uint32_t signed_prekey_id,
                               const X25519Public& base_key) {
    MELDER_TRY(const auto prekey, find_stored(transaction, signed_prekey_id));
    if (!prekey) return Errc::unknown_prekey;
    const auto group = big_endian(signed_prekey_id);
    return transaction.put(Table::base_keys, base_key_row(signed_prekey_id, base_key), SecretBuffer(),
                           {expiry_of(prekey->kept_until), group});
}

Result<bool> knows_base_key(const VaultTransaction& transaction, std::uint32_t signed_prekey_id,
                            const X25519Public& base_key) {
    return transaction.contains(Table::base_keys, base_key_row(signed_prekey_id, base_key));
}

}  // namespace melder::sdk
