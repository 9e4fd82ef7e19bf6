#include "sdk/account/prekey_stock.hpp"

#include <algorithm>

#include "core/endian.hpp"
#include "sdk/vault/prekey_rows.hpp"

namespace melder::sdk {

Result<wire::PrekeyUpload> make_prekeys(VaultTransaction& transaction, const OwnDevice& own, const MakePrekeys& wanted,
                                        Random& random) {
    wire::PrekeyUpload upload;
    upload.set_replace_all(wanted.replace_all);
    if (wanted.replace_all) MELDER_CHECK(replace_one_time_prekeys(transaction, limits::ttl_longest));
    if (wanted.rotate) {
        MELDER_TRY(const auto id, take_signed_prekey_id(transaction));
        SignedPrekeyPair pair;
        pair.keys = generate_x25519(random);
        const auto public_key = to_djb_key(pair.keys.public_key);
        pair.signature = sign_xeddsa(own.identity.identity.private_key, public_key, random);
        pair.created_ms = static_cast<std::uint64_t>(transaction.now().ms);
        MELDER_CHECK(put_signed_prekey(transaction, id, pair, limits::ttl_longest));
        upload.mutable_signed_prekey()->set_id(id);
        upload.mutable_signed_prekey()->set_public_key(to_string(public_key));
        upload.mutable_signed_prekey()->set_signature(to_string(pair.signature));
    }
    if (wanted.one_time == 0) return upload;
    MELDER_TRY(const auto first, take_one_time_prekey_ids(transaction, wanted.one_time));
    for (auto id = first; id < first + wanted.one_time; ++id) {
        const auto keys = generate_x25519(random);
        MELDER_CHECK(put_one_time_prekey(transaction, id, keys));
        auto* entry = upload.add_one_time();
        entry->set_id(id);
        entry->set_public_key(to_string(to_djb_key(keys.public_key)));
    }
    return upload;
}

Result<std::optional<PrekeyLogic::SignedPrekeyAge>> load_signed_prekey_age(const VaultTransaction& transaction) {
    using Age = PrekeyLogic::SignedPrekeyAge;
    MELDER_TRY(const auto id, load_present_signed_prekey_id(transaction));
    if (id == 0) return std::optional<Age>();
    MELDER_TRY(const auto pair, find_signed_prekey(transaction, id));
    if (!pair) return std::optional<Age>();
    return std::optional<Age>(Age{id, UnixTime{static_cast<std::int64_t>(pair->created_ms)}});
}

Result<std::optional<Hash>> prekey_digest(const VaultTransaction& transaction, std::uint32_t count) {
    MELDER_TRY(auto rows, load_one_time_prekeys(transaction));
    std::erase_if(rows, [](const auto& row) { return row.replaced; });
    if (rows.size() < count) return std::optional<Hash>();
    std::ranges::sort(rows, {}, &OneTimePrekeyRow::id);
    Bytes bytes;
    for (const auto& row : std::span(rows).last(count)) {
        const auto id = big_endian(row.id);
        const auto key = to_djb_key(row.public_key);
        bytes.insert(bytes.end(), id.begin(), id.end());
        bytes.insert(bytes.end(), key.begin(), key.end());
    }
    return std::optional<Hash>(sha256(bytes));
}

}  // namespace melder::sdk
