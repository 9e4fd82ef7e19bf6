#include "sdk/vault/receive_rows.hpp"

#include "core/limits.hpp"
#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {
namespace {

struct Note {
    Byte found_at_starts = 0;
    bool taken_since = true;  ///< by the running process; only such a note tells anything at the next start
};
constexpr Byte starts_until_refused = 2;

SecretBuffer encode(const Note& note) {
    return CellWriter(2).number(note.found_at_starts).number(static_cast<Byte>(note.taken_since)).take();
}
Result<Note> decode_note(BytesView value) {
    CellReader in(value);
    Note note;
    MELDER_TRY(note.found_at_starts, in.number<Byte>());
    MELDER_TRY(const auto taken, in.number<Byte>());
    note.taken_since = taken != 0;
    return note;
}
Result<void> put_note(VaultTransaction& transaction, BytesView envelope, const Note& note) {
    // No envelope lives longer than the longest TTL, so neither does its note.
    return transaction.put(Table::crash_notes, envelope, encode(note), {transaction.now() + limits::ttl_longest, {}});
}

Result<void> put_mark(VaultTransaction& transaction, const ContentMark& mark, const EnvelopeId& envelope,
                      UnixTime expires) {
    return transaction.put(Table::pending_content, mark, SecretBuffer(envelope.view()),
                           {expires + limits::done_memory, {}});
}

}  // namespace

Result<ContentMark> mark_of(const Vault& vault, const EnrolmentId& sender, const ContentId& content) {
    return vault.blind({sender.view(), content.view()});
}

Result<void> put_pending(VaultTransaction& transaction, const PendingRow& row) {
    CellWriter out(160);
    out.number(static_cast<Byte>(row.type)).fixed(row.inner_hash.view());
    out.fixed(row.message_key.key.expose()).fixed(row.message_key.iv.expose());
    out.time(row.expires).fixed(row.mark);
    MELDER_CHECK(transaction.put(Table::pending, row.envelope.view(), out.take(), {row.expires, {}}));
    MELDER_CHECK(put_mark(transaction, row.mark, row.envelope, row.expires));
    return remove_note(transaction, row.envelope);
}

Result<std::optional<PendingRow>> find_pending(const VaultTransaction& transaction, const EnvelopeId& envelope) {
    MELDER_TRY(const auto value, transaction.find(Table::pending, envelope.view()));
    if (!value) return std::optional<PendingRow>();
    CellReader in(value->expose());
    PendingRow row;
    row.envelope = envelope;
    MELDER_TRY(const auto type, in.number<Byte>());
    row.type = static_cast<InnerType>(type);
    MELDER_TRY(row.inner_hash, in.id<Hash>());
    MELDER_TRY(row.message_key.key, in.secret<decltype(row.message_key.key)>());
    MELDER_TRY(row.message_key.iv, in.secret<decltype(row.message_key.iv)>());
    MELDER_TRY(row.expires, in.time());
    MELDER_TRY(const auto mark, in.fixed(row.mark.size()));
    std::ranges::copy(mark, row.mark.begin());
    MELDER_CHECK(in.end());
    return std::optional<PendingRow>(std::move(row));
}

Result<void> mark_done(VaultTransaction& transaction, const EnvelopeId& envelope, UnixTime expires) {
    MELDER_CHECK(transaction.erase(Table::pending, envelope.view()));
    MELDER_CHECK(remove_note(transaction, envelope));
    return transaction.put(Table::done, envelope.view(), SecretBuffer(), {expires + limits::done_memory, {}});
}

Result<bool> is_done(const VaultTransaction& transaction, const EnvelopeId& envelope) {
    return transaction.contains(Table::done, envelope.view());
}

Result<std::optional<EnvelopeId>> find_content(const VaultTransaction& transaction, const ContentMark& mark) {
    MELDER_TRY(const auto value, transaction.find(Table::pending_content, mark));
    if (!value) return std::optional<EnvelopeId>();
    MELDER_TRY(const auto envelope, EnvelopeId::from(value->expose()));
    return std::optional<EnvelopeId>(envelope);
}

Result<void> note_opening(VaultTransaction& transaction, const EnvelopeId& envelope) {
    MELDER_TRY(const auto value, transaction.find(Table::crash_notes, envelope.view()));
    Note note;
    if (value) {
        MELDER_TRY(note, decode_note(value->expose()));
        if (note.found_at_starts >= starts_until_refused) return Errc::crashes;
        note.taken_since = true;
    }
    return put_note(transaction, envelope.view(), note);
}

Result<void> remove_note(VaultTransaction& transaction, const EnvelopeId& envelope) {
    return transaction.erase(Table::crash_notes, envelope.view());
}

Result<void> count_notes_at_start(VaultTransaction& transaction) {
    std::vector<std::pair<Bytes, Note>> left_open;
    MELDER_CHECK(transaction.for_each(Table::crash_notes, [&](BytesView key, BytesView value) -> Result<void> {
        MELDER_TRY(const auto note, decode_note(value));
        if (note.taken_since) left_open.emplace_back(to_bytes(key), note);
        return ok();
    }));
    for (auto& [envelope, note] : left_open) {
        ++note.found_at_starts;
        note.taken_since = false;
        MELDER_CHECK(put_note(transaction, envelope, note));
    }
    return ok();
}

}  // namespace melder::sdk
