#include "server/stores/rocksdb/store_survey.hpp"

#include <map>

#include "server/stores/directory_rows.hpp"
#include "server/stores/rocksdb/key_layout.hpp"

namespace melder::server {
namespace {

using namespace directory_rows;

struct DirectoryKind {
    char prefix;
    std::string_view name;
};
constexpr DirectoryKind directory_kinds[] = {
    {device_prefix, "devices (grants sealed)"},
    {officer_prefix, "officers (sealed)"},
    {unit_prefix, "units (sealed)"},
    {number_prefix, "service numbers (keyed hash)"},
    {log_prefix, "order log entries"},
    {receipt_prefix, "order receipts"},
    {login_prefix, "days of last logins"},
    {stock_prefix, "signed prekeys"},
    {one_time_prefix, "one-time prekeys"},
    {spent_prefix, "spent prekeys (hash)"},
};

/// Calls `each(key, value)` for every row of a family.
template <class Each>
Result<void> walk(Database& database, std::string_view family, const Each& each) {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, database.family(family)));
    for (at->SeekToFirst(); at->Valid(); at->Next())
        MELDER_CHECK(each(at->key().ToStringView(), at->value().ToStringView()));
    return Database::result_of(at->status());
}

Result<StoreSurvey::Waiting> parse_entry(std::string_view key, std::string_view value) {
    if (key.size() != key_layout::mailbox_key_bytes) return Errc::store_corrupt;
    StoreSurvey::Waiting out;
    MELDER_TRY(out.device, EnrolmentId::from(key.substr(0, EnrolmentId::size_bytes)));
    MELDER_TRY(out.lane, lane_from(static_cast<std::uint8_t>(key[16])));
    out.state = static_cast<EntryState>(key[17]);
    MELDER_TRY(out.row, MailboxRow::parse(value));
    return out;
}

}  // namespace

Result<StoreSurvey> survey(Database& database, std::size_t limit) {
    StoreSurvey out;
    StoreSurvey::Table entries{"mailbox entries", 0, 0}, bodies{"sealed bodies", 0, 0};
    MELDER_CHECK(
        walk(database, key_layout::mailbox_family, [&](std::string_view key, std::string_view value) -> Result<void> {
            ++entries.rows;
            entries.bytes += value.size();
            if (out.envelopes.size() >= limit) return ok();
            MELDER_TRY(auto entry, parse_entry(key, value));
            out.envelopes.push_back(std::move(entry));
            return ok();
        }));
    MELDER_CHECK(walk(database, key_layout::body_family, [&](std::string_view, std::string_view value) {
        ++bodies.rows;
        bodies.bytes += value.size();
        return ok();
    }));
    std::map<char, StoreSurvey::Table> directory;
    MELDER_CHECK(walk(database, key_layout::directory_family, [&](std::string_view key, std::string_view value) {
        if (key.empty()) return ok();
        auto& table = directory[key.front()];
        ++table.rows;
        table.bytes += value.size();
        return ok();
    }));
    for (const auto& kind : directory_kinds) {
        auto table = directory[kind.prefix];
        table.name = kind.name;
        out.tables.push_back(table);
    }
    out.tables.push_back(entries);
    out.tables.push_back(bodies);
    return out;
}

}  // namespace melder::server
