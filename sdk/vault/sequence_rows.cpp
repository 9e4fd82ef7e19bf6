#include "sdk/vault/sequence_rows.hpp"

#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {
namespace {

constexpr std::uint32_t pairs_longest = 4096;  ///< of a row that was not damaged

Bytes stream_key(const EnrolmentId& sender, const OfficerId& conversation, Lane lane) {
    Bytes out = to_bytes(sender.view());
    out.insert(out.end(), conversation.view().begin(), conversation.view().end());
    out.push_back(static_cast<Byte>(lane));
    return out;
}

const EnrolmentId own_sending{};  // no device has the zero id

Result<std::uint32_t> read_count(CellReader& in) {
    MELDER_TRY(const auto count, in.number<std::uint32_t>());
    if (count > pairs_longest) return Errc::vault_unreadable;
    return count;
}

}  // namespace

Result<void> put_stream(VaultTransaction& transaction, const StreamRow& row) {
    CellWriter out(12 + 16 * row.missing.size());
    out.number(row.highest).number(static_cast<std::uint32_t>(row.missing.size()));
    for (const auto& range : row.missing)
        out.number(range.first).number(range.last);
    return transaction.put(Table::sequences, stream_key(row.sender, row.conversation, row.lane), out.take());
}

Result<std::vector<StreamRow>> load_streams(const VaultTransaction& transaction) {
    std::vector<StreamRow> out;
    MELDER_CHECK(transaction.for_each(Table::sequences, [&](BytesView key, BytesView value) -> Result<void> {
        CellReader name(key);
        StreamRow row;
        MELDER_TRY(row.sender, name.id<EnrolmentId>());
        MELDER_TRY(row.conversation, name.id<OfficerId>());
        MELDER_TRY(const auto lane, name.number<Byte>());
        row.lane = static_cast<Lane>(lane);
        if (row.sender == own_sending) return ok();
        CellReader in(value);
        MELDER_TRY(row.highest, in.number<std::uint64_t>());
        MELDER_TRY(const auto count, read_count(in));
        for (std::uint32_t n = 0; n < count; ++n) {
            SequenceRange range;
            MELDER_TRY(range.first, in.number<std::uint64_t>());
            MELDER_TRY(range.last, in.number<std::uint64_t>());
            row.missing.push_back(range);
        }
        out.push_back(std::move(row));
        return in.end();
    }));
    return out;
}

Result<void> put_sent(VaultTransaction& transaction, const SentRow& row) {
    CellWriter out(12 + 16 * row.runs.size());
    out.number(row.highest).number(static_cast<std::uint32_t>(row.runs.size()));
    for (const auto& run : row.runs)
        out.number(run.last).time(run.expires);
    return transaction.put(Table::sequences, stream_key(own_sending, row.conversation, row.lane), out.take());
}

Result<SentRow> load_sent(const VaultTransaction& transaction, const OfficerId& conversation, Lane lane) {
    SentRow row{conversation, lane, 0, {}};
    MELDER_TRY(const auto value, transaction.find(Table::sequences, stream_key(own_sending, conversation, lane)));
    if (!value) return row;
    CellReader in(value->expose());
    MELDER_TRY(row.highest, in.number<std::uint64_t>());
    MELDER_TRY(const auto count, read_count(in));
    for (std::uint32_t n = 0; n < count; ++n) {
        SentRun run;
        MELDER_TRY(run.last, in.number<std::uint64_t>());
        MELDER_TRY(run.expires, in.time());
        row.runs.push_back(run);
    }
    MELDER_CHECK(in.end());
    return row;
}

}  // namespace melder::sdk
