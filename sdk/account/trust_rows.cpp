#include "sdk/account/trust_rows.hpp"

namespace melder::sdk {

namespace {
Result<Bytes> find_bytes(const VaultTransaction& transaction, BootValue which) {
    MELDER_TRY(const auto row, find_boot(transaction, which));
    return row ? to_bytes(row->expose()) : Bytes();
}
}  // namespace

Result<void> put_trust(VaultTransaction& transaction, const TrustState& trust, TrustRows rows) {
    MELDER_CHECK(put_boot_number(transaction, BootValue::trust_floor, trust.floor()));
    const auto saved = trust.save();
    MELDER_CHECK(put_boot(transaction, BootValue::newest_statement, saved.newest_statement));
    MELDER_CHECK(put_boot(transaction, BootValue::fork_evidence, saved.fork));
    const auto confirmed = static_cast<std::uint64_t>(saved.confirmed.value_or(UnixTime{}).ms);
    MELDER_CHECK(put_boot_number(transaction, BootValue::confirmed_head, confirmed));
    if (rows == TrustRows::without_book) return ok();
    MELDER_CHECK(put_boot(transaction, BootValue::trust_list, trust.list().document().encode()));
    return put_boot(transaction, BootValue::order_book, saved.book);
}

Result<std::optional<TrustState>> load_trust(const VaultTransaction& transaction, const RootSet& roots) {
    MELDER_TRY(const auto encoded, find_bytes(transaction, BootValue::trust_list));
    if (encoded.empty()) return std::optional<TrustState>();
    MELDER_TRY(const auto document, SignedBytes::parse(encoded));
    MELDER_TRY(auto list, TrustList::verify_kept(document, roots));
    TrustState::Saved saved;
    MELDER_TRY(saved.floor, load_boot_number(transaction, BootValue::trust_floor));
    MELDER_TRY(saved.book, find_bytes(transaction, BootValue::order_book));
    MELDER_TRY(saved.newest_statement, find_bytes(transaction, BootValue::newest_statement));
    MELDER_TRY(saved.fork, find_bytes(transaction, BootValue::fork_evidence));
    MELDER_TRY(const auto confirmed, load_boot_number(transaction, BootValue::confirmed_head));
    if (confirmed != 0) saved.confirmed = UnixTime{static_cast<std::int64_t>(confirmed)};
    MELDER_TRY(auto trust, TrustState::restore(saved, std::move(list)));
    return std::optional<TrustState>(std::move(trust));
}

Result<void> put_clock(VaultTransaction& transaction, const AccountClock& clock) {
    return put_boot(transaction, BootValue::clock, clock.encode().expose());
}

Result<void> load_clock(const VaultTransaction& transaction, AccountClock& clock) {
    MELDER_TRY(const auto row, find_boot(transaction, BootValue::clock));
    if (!row) return ok();
    return clock.restore(row->expose());
}

Result<StoreEpoch> load_store_epoch(const VaultTransaction& transaction) {
    MELDER_TRY(const auto row, find_boot(transaction, BootValue::store_epoch));
    if (!row) return StoreEpoch();
    return StoreEpoch::from(row->expose());
}

}  // namespace melder::sdk
