// The prekey half of DirectoryEngine.
//
// An id that was handed out leaves a mark of its key, so that the same upload repeated is told from an id used twice.
// Marks are kept for the newest `remembered_ids` ids; whatever lies below is refused.

#include "server/stores/directory_engine.hpp"

#include "core/limits.hpp"

namespace melder::server {
namespace {

using namespace directory_rows;

constexpr std::uint32_t remembered_ids = 10 * limits::one_time_prekeys;
constexpr std::size_t mark_bytes = 16;

std::string mark_of(const StoredPrekey& prekey) {
    return std::string(sha256(BytesView(prekey.public_key)).chars().substr(0, mark_bytes));
}

std::uint32_t id_in(std::string_view stored_key) {
    return from_big_endian<std::uint32_t>(view(stored_key).subspan(1 + EnrolmentId::size_bytes).first<4>());
}

struct Row {
    std::uint32_t id = 0;
    std::string value;
};
std::vector<Row> rows_of(DirectoryTable& table, char prefix, const EnrolmentId& device, std::uint32_t below,
                         std::size_t limit) {
    std::vector<Row> rows;
    const auto start = key(prefix, {device.view()});
    table.scan(start, start, [&](std::string_view found, std::string_view value) {
        const auto id = id_in(found);
        if (id >= below) return false;
        rows.push_back({id, std::string(value)});
        return rows.size() < limit;
    });
    return rows;
}
constexpr std::uint32_t no_bound = 0xFFFFFFFF;
constexpr std::size_t no_limit = 1'000'000;

Result<StoredPrekey> prekey_of(const Row& row) {
    MELDER_TRY(const auto bytes, to_array<33>(view(row.value)));
    return StoredPrekey{row.id, bytes};
}

/// Takes a one-time prekey out of the stock for good.
Result<StoredPrekey> spend(DirectoryTable& table, const EnrolmentId& device, const Row& row) {
    MELDER_TRY(const auto prekey, prekey_of(row));
    const auto id = big_endian(row.id);
    table.erase(key(one_time_prefix, {device.view(), id}));
    table.put(key(spent_prefix, {device.view(), id}), mark_of(prekey));
    return prekey;
}

enum class Known { unknown, held, spent };

Result<Known> judge_id(DirectoryTable& table, const EnrolmentId& device, const StoredPrekey& prekey,
                       const StockRow& stock) {
    const auto id = big_endian(prekey.id);
    if (const auto held = table.get(key(one_time_prefix, {device.view(), id}))) {
        if (!equal(view(*held), prekey.public_key)) return Errc::prekey_conflict;
        return Known::held;
    }
    if (const auto mark = table.get(key(spent_prefix, {device.view(), id}))) {
        if (*mark != mark_of(prekey)) return Errc::prekey_conflict;
        return Known::spent;
    }
    if (stock.highest > remembered_ids && prekey.id <= stock.highest - remembered_ids) return Errc::prekey_conflict;
    return Known::unknown;
}

}  // namespace

/// What an older epoch left is spent, not deleted: its ids stay used.
Result<StockRow> DirectoryEngine::load_stock(DirectoryTable& table, const EnrolmentId& device) const {
    StockRow stock;
    stock.epoch = epoch_;
    const auto stored = table.get(key(stock_prefix, {device.view()}));
    MELDER_CHECK(table.health());
    if (!stored) return stock;
    MELDER_TRY(stock, decode_stock(view(*stored)));
    if (stock.epoch == epoch_) return stock;
    for (const auto& row : rows_of(table, one_time_prefix, device, no_bound, no_limit)) {
        MELDER_CHECK(spend(table, device, row));
    }
    stock.epoch = epoch_;
    stock.count = 0;
    stock.signed_prekey.reset();
    table.put(key(stock_prefix, {device.view()}), encode(stock));
    MELDER_CHECK(table.health());
    return stock;
}

Result<std::uint32_t> DirectoryEngine::put_prekeys(DirectoryTable& table, const PrekeyPut& put) const {
    MELDER_TRY(auto stock, load_stock(table, put.device));

    // Everything is judged before anything is written.
    if (put.signed_prekey) {
        const bool same = stock.signed_prekey == put.signed_prekey;
        if (!same && put.signed_prekey->id <= stock.highest_signed) return Errc::prekey_conflict;
    }
    std::vector<StoredPrekey> fresh;
    std::vector<std::uint32_t> kept;
    for (const auto& prekey : put.one_time) {
        MELDER_TRY(const auto known, judge_id(table, put.device, prekey, stock));
        if (known == Known::unknown) fresh.push_back(prekey);
        if (known == Known::held) kept.push_back(prekey.id);
    }
    const auto held = put.replace_all ? kept.size() : stock.count;
    if (held + fresh.size() > limits::one_time_prekeys) return Errc::quota_exceeded;

    if (put.replace_all) {
        std::ranges::sort(kept);
        for (const auto& row : rows_of(table, one_time_prefix, put.device, no_bound, no_limit)) {
            if (std::ranges::binary_search(kept, row.id)) continue;
            MELDER_CHECK(spend(table, put.device, row));
        }
    }
    for (const auto& prekey : fresh) {
        table.put(key(one_time_prefix, {put.device.view(), big_endian(prekey.id)}), to_string(prekey.public_key));
        stock.highest = std::max(stock.highest, prekey.id);
    }
    stock.count = static_cast<std::uint32_t>(held + fresh.size());
    if (put.signed_prekey) {
        stock.signed_prekey = put.signed_prekey;
        stock.highest_signed = std::max(stock.highest_signed, put.signed_prekey->id);
    }
    if (stock.highest > remembered_ids) {
        const auto floor = stock.highest - remembered_ids + 1;
        for (const auto& row : rows_of(table, spent_prefix, put.device, floor, no_limit)) {
            table.erase(key(spent_prefix, {put.device.view(), big_endian(row.id)}));
        }
    }
    table.put(key(stock_prefix, {put.device.view()}), encode(stock));
    MELDER_CHECK(table.health());
    return stock.count;
}

Result<TakeResult> DirectoryEngine::take_one(DirectoryTable& table, const TakeItem& item, std::uint32_t reserve) const {
    MELDER_TRY(auto stock, load_stock(table, item.device));
    TakeResult result;
    if (!stock.signed_prekey) return result;
    result.signed_prekey = stock.signed_prekey;
    if (item.one_time && stock.count >= reserve && stock.count > 0) {
        const auto rows = rows_of(table, one_time_prefix, item.device, no_bound, 1);
        if (rows.empty()) return Error(Errc::store_corrupt, "the count of one-time prekeys is wrong");
        MELDER_TRY(result.one_time, spend(table, item.device, rows.front()));
        --stock.count;
        table.put(key(stock_prefix, {item.device.view()}), encode(stock));
    }
    result.remaining = stock.count;
    return result;
}

Result<std::vector<TakeResult>> DirectoryEngine::take_prekeys(DirectoryTable& table, const std::vector<TakeItem>& items,
                                                              std::uint32_t reserve) const {
    std::vector<TakeResult> results;
    results.reserve(items.size());
    for (const auto& item : items) {
        MELDER_TRY(auto result, take_one(table, item, reserve));
        results.push_back(std::move(result));
    }
    MELDER_CHECK(table.health());
    return results;
}

Result<PrekeyStock> DirectoryEngine::load_prekeys(DirectoryTable& table, const EnrolmentId& device) const {
    MELDER_TRY(const auto stock, load_stock(table, device));
    PrekeyStock out;
    if (stock.signed_prekey) out.signed_prekey_id = stock.signed_prekey->id;
    for (const auto& row : rows_of(table, one_time_prefix, device, no_bound, no_limit)) {
        MELDER_TRY(const auto prekey, prekey_of(row));
        out.one_time.push_back(prekey);
    }
    MELDER_CHECK(table.health());
    return out;
}

Result<void> DirectoryEngine::remove_prekeys(DirectoryTable& table, const std::vector<EnrolmentId>& devices) const {
    for (const auto& device : devices) {
        for (const char prefix : {one_time_prefix, spent_prefix}) {
            for (const auto& row : rows_of(table, prefix, device, no_bound, no_limit)) {
                table.erase(key(prefix, {device.view(), big_endian(row.id)}));
            }
        }
        table.erase(key(stock_prefix, {device.view()}));
    }
    return table.health();
}

}  // namespace melder::server
