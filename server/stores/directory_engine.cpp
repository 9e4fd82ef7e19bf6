#include "server/stores/directory_engine.hpp"

namespace melder::server {
namespace {

using namespace directory_rows;

constexpr std::size_t feed_slice = 500;

Result<HeadRow> load_head_row(DirectoryTable& table) {
    const auto value = table.get(key(head_prefix, {}));
    MELDER_CHECK(table.health());
    if (!value) return HeadRow{};
    return decode_head(view(*value));
}

Result<std::optional<DeviceRow>> load_device(DirectoryTable& table, const EnrolmentId& id) {
    const auto value = table.get(key(device_prefix, {id.view()}));
    MELDER_CHECK(table.health());
    if (!value) return std::optional<DeviceRow>();
    MELDER_TRY(auto row, decode_device(view(*value)));
    return std::optional<DeviceRow>(std::move(row));
}

/// 8 bytes of change number, then the value.
std::string numbered(Cursor cursor, BytesView value) {
    std::string out(as_chars(big_endian(cursor)));
    out.append(as_chars(value));
    return out;
}
struct Numbered {
    Cursor cursor = 0;
    BytesView value;
};
Result<Numbered> read_numbered(std::string_view stored) {
    if (stored.size() < sizeof(Cursor)) return Error(Errc::store_corrupt, "a row of the directory is too short");
    const auto bytes = view(stored);
    return Numbered{from_big_endian<Cursor>(bytes.first<sizeof(Cursor)>()), bytes.subspan(sizeof(Cursor))};
}

/// The first key behind `id` under a prefix: the scan's start for "after".
template <class IdType>
std::string after_key(const std::string& prefix, const std::optional<IdType>& id) {
    if (!id) return prefix;
    return prefix + id->string() + '\0';
}

template <class IdType>
IdType id_at(std::string_view stored_key, std::size_t offset) {
    ByteArray<IdType::size_bytes> out{};
    std::ranges::copy(view(stored_key).subspan(offset, out.size()), out.begin());
    return IdType(out);
}

Result<void> check_expectations(DirectoryTable& table, const DirectoryChange& change, const HeadRow& head) {
    for (const auto& device : change.devices) {
        MELDER_TRY(const auto present, load_device(table, device.device));
        const Cursor revision = present ? present->revision : 0;
        if (revision != device.revision) return Error(Errc::out_of_order, "the device was changed meanwhile");
    }
    if (change.log && change.log->expected_size != head.log_size) {
        return Error(Errc::out_of_order, "the order log grew meanwhile");
    }
    return ok();
}

void write_devices(DirectoryTable& table, std::vector<DeviceRow>& devices, Cursor cursor) {
    for (const auto& device : devices) {
        // Whose a device is never changes.
        if (device.revision == 0) {
            table.put(key(by_officer_prefix, {device.officer.view(), device.device.view()}), {});
        } else {
            table.erase(key(changed_prefix, {big_endian(device.revision), device.device.view()}));
        }
    }
    // One kind of row after the other: an ordered table takes neighbours faster, and an import brings 50,000 of them.
    for (auto& device : devices) {
        device.revision = cursor;
        table.put(key(device_prefix, {device.device.view()}), encode(device));
    }
    for (const auto& device : devices)
        table.put(key(changed_prefix, {big_endian(cursor), device.device.view()}), {});
}

void write_names(DirectoryTable& table, const DirectoryChange& change, HeadRow& head) {
    for (const auto& officer : change.officers) {
        const auto where = key(officer_prefix, {officer.officer.view()});
        const bool present = table.get(where).has_value();
        if (officer.sealed.empty()) {
            if (present) --head.officers;
            table.erase(where);
        } else {
            if (!present) ++head.officers;
            table.put(where, to_string(officer.sealed));
        }
    }
    for (const auto& unit : change.units) {
        const auto where = key(unit_prefix, {unit.key.view()});
        if (unit.sealed.empty()) {
            table.erase(where);
        } else {
            table.put(where, to_string(unit.sealed));
        }
    }
    for (const auto& number : change.numbers) {
        const auto where = key(number_prefix, {number.key.view()});
        if (number.officer) {
            table.put(where, number.officer->string());
        } else {
            table.erase(where);
        }
    }
}

}  // namespace

Result<DirectoryHead> DirectoryEngine::load_head(DirectoryTable& table) const {
    MELDER_TRY(const auto row, load_head_row(table));
    DirectoryHead head{.cursor = row.cursor,
                       .log_size = row.log_size,
                       .trust_list = {},
                       .key_check = {},
                       .officers = row.officers,
                       .grants_signed = {},
                       .restore = {}};
    if (const auto stored = table.get(key(trust_prefix, {}))) {
        MELDER_TRY(const auto list, read_numbered(*stored));
        head.trust_list = to_bytes(list.value);
    }
    if (const auto check = table.get(key(check_prefix, {}))) head.key_check = to_bytes(view(*check));
    if (const auto stored = table.get(key(signed_prefix, {}))) {
        MELDER_TRY(head.grants_signed, decode_signed(view(*stored)));
    }
    if (const auto stored = table.get(key(restore_prefix, {}))) {
        MELDER_TRY(head.restore, decode_restore(view(*stored)));
    }
    MELDER_CHECK(table.health());
    return head;
}

Result<FeedBatch> DirectoryEngine::commit(DirectoryTable& table, DirectoryChange change) const {
    MELDER_TRY(auto head, load_head_row(table));
    MELDER_CHECK(check_expectations(table, change, head));
    FeedBatch batch;
    batch.cursor = ++head.cursor;
    batch.caught_up = true;
    batch.log_from = head.log_size;
    write_devices(table, change.devices, head.cursor);
    write_names(table, change, head);
    for (const auto& receipt : change.receipts) {
        table.put(key(receipt_prefix, {receipt.device.view(), receipt.order.view()}), to_string(receipt.receipt));
    }
    if (change.log) {
        for (const auto& entry : change.log->entries) {
            table.put(key(log_prefix, {big_endian(head.log_size++)}), numbered(head.cursor, entry));
        }
        batch.log_entries = std::move(change.log->entries);
    }
    if (change.trust_list) table.put(key(trust_prefix, {}), numbered(head.cursor, *change.trust_list));
    if (change.key_check) table.put(key(check_prefix, {}), to_string(*change.key_check));
    if (change.grants_signed) table.put(key(signed_prefix, {}), encode(*change.grants_signed));
    if (change.restore) table.put(key(restore_prefix, {}), encode(*change.restore));
    table.put(key(head_prefix, {}), encode(head));
    MELDER_CHECK(table.health());
    batch.devices = std::move(change.devices);
    batch.trust_list = std::move(change.trust_list);
    return batch;
}

Result<std::vector<std::optional<DeviceRow>>> DirectoryEngine::load_devices(DirectoryTable& table,
                                                                            const std::vector<EnrolmentId>& ids) const {
    std::vector<std::optional<DeviceRow>> rows;
    rows.reserve(ids.size());
    for (const auto& id : ids) {
        MELDER_TRY(auto row, load_device(table, id));
        rows.push_back(std::move(row));
    }
    return rows;
}

Result<std::vector<DeviceRow>> DirectoryEngine::list_devices(DirectoryTable& table, std::optional<EnrolmentId> after,
                                                             std::optional<OfficerId> officer,
                                                             std::size_t limit) const {
    std::vector<EnrolmentId> ids;
    const auto prefix = officer ? key(by_officer_prefix, {officer->view()}) : std::string(1, device_prefix);
    if (limit > 0) {
        table.scan(prefix, after_key(prefix, after), [&](std::string_view found, std::string_view) {
            ids.push_back(id_at<EnrolmentId>(found, prefix.size()));
            return ids.size() < limit;
        });
    }
    MELDER_TRY(auto loaded, load_devices(table, ids));
    std::vector<DeviceRow> rows;
    for (auto& row : loaded) {
        if (row) rows.push_back(std::move(*row));
    }
    return rows;
}

Result<std::vector<OfficerRow>> DirectoryEngine::list_officers(DirectoryTable& table, std::optional<OfficerId> after,
                                                               std::size_t limit) const {
    std::vector<OfficerRow> rows;
    const std::string prefix(1, officer_prefix);
    if (limit == 0) return rows;
    table.scan(prefix, after_key(prefix, after), [&](std::string_view found, std::string_view value) {
        rows.push_back({id_at<OfficerId>(found, 1), to_bytes(view(value))});
        return rows.size() < limit;
    });
    MELDER_CHECK(table.health());
    return rows;
}

Result<std::vector<UnitRow>> DirectoryEngine::list_units(DirectoryTable& table, std::size_t limit) const {
    std::vector<UnitRow> rows;
    const std::string prefix(1, unit_prefix);
    if (limit == 0) return rows;
    table.scan(prefix, prefix, [&](std::string_view found, std::string_view value) {
        rows.push_back({id_at<Hash>(found, 1), to_bytes(view(value))});
        return rows.size() < limit;
    });
    MELDER_CHECK(table.health());
    return rows;
}

Result<std::optional<OfficerId>> DirectoryEngine::find_officer(DirectoryTable& table, const Hash& number_key) const {
    const auto value = table.get(key(number_prefix, {number_key.view()}));
    MELDER_CHECK(table.health());
    if (!value) return std::optional<OfficerId>();
    MELDER_TRY(const auto officer, OfficerId::from(std::string_view(*value)));
    return std::optional<OfficerId>(officer);
}

Result<std::vector<Bytes>> DirectoryEngine::load_log(DirectoryTable& table, std::uint64_t from,
                                                     std::size_t limit) const {
    std::vector<Bytes> entries;
    Result<void> shape = ok();
    const std::string prefix(1, log_prefix);
    if (limit == 0) return entries;
    table.scan(prefix, key(log_prefix, {big_endian(from)}), [&](std::string_view, std::string_view value) {
        const auto entry = read_numbered(value);
        if (entry.has_error()) {
            shape = entry.error();
            return false;
        }
        entries.push_back(to_bytes(entry->value));
        return entries.size() < limit;
    });
    MELDER_CHECK(table.health());
    MELDER_CHECK(std::move(shape));
    return entries;
}

Result<std::optional<Bytes>> DirectoryEngine::load_receipt(DirectoryTable& table, const EnrolmentId& device,
                                                           const Hash& order) const {
    const auto value = table.get(key(receipt_prefix, {device.view(), order.view()}));
    MELDER_CHECK(table.health());
    if (!value) return std::optional<Bytes>();
    return std::optional<Bytes>(to_bytes(view(*value)));
}

Result<void> DirectoryEngine::note_logins(DirectoryTable& table, const std::vector<LoginRow>& rows) const {
    for (const auto& row : rows) {
        MELDER_TRY(const auto present, load_login(table, row.device));
        if (present && (*present == row || present->day > row.day)) continue;
        table.put(key(login_prefix, {row.device.view()}), encode(row));
    }
    return table.health();
}

Result<std::optional<LoginRow>> DirectoryEngine::load_login(DirectoryTable& table, const EnrolmentId& device) const {
    const auto value = table.get(key(login_prefix, {device.view()}));
    MELDER_CHECK(table.health());
    if (!value) return std::optional<LoginRow>();
    MELDER_TRY(auto row, decode_login(device, view(*value)));
    return std::optional<LoginRow>(std::move(row));
}

Result<std::vector<std::shared_ptr<const FeedBatch>>> DirectoryEngine::changes_since(DirectoryTable& table,
                                                                                     Cursor cursor) const {
    MELDER_TRY(const auto head, load_head_row(table));
    std::vector<std::shared_ptr<const FeedBatch>> batches;
    FeedBatch batch;
    const auto close_batch = [&](Cursor reached) {
        batch.cursor = reached;
        batches.push_back(std::make_shared<const FeedBatch>(std::exchange(batch, {})));
    };

    // The log and the trust list first, under the old cursor: a reader that stops half-way gets them again, which is
    // harmless.
    std::uint64_t index = 0;
    Result<void> shape = ok();
    table.scan(std::string(1, log_prefix), std::string(1, log_prefix), [&](std::string_view, std::string_view value) {
        const auto entry = read_numbered(value);
        if (entry.has_error()) {
            shape = entry.error();
            return false;
        }
        if (entry->cursor > cursor) {
            if (batch.log_entries.empty()) batch.log_from = index;
            batch.log_entries.push_back(to_bytes(entry->value));
            if (batch.log_entries.size() == feed_slice) close_batch(cursor);
        }
        ++index;
        return true;
    });
    MELDER_CHECK(std::move(shape));
    if (const auto stored = table.get(key(trust_prefix, {}))) {
        MELDER_TRY(const auto list, read_numbered(*stored));
        if (list.cursor > cursor) batch.trust_list = to_bytes(list.value);
    }

    std::vector<std::pair<Cursor, EnrolmentId>> changed;
    const std::string prefix(1, changed_prefix);
    table.scan(prefix, key(changed_prefix, {big_endian(cursor + 1)}), [&](std::string_view found, std::string_view) {
        const auto number = id_at<Id<struct CursorBytes, sizeof(Cursor)>>(found, 1);
        changed.emplace_back(from_big_endian<Cursor>(number.view().first<sizeof(Cursor)>()),
                             id_at<EnrolmentId>(found, 1 + sizeof(Cursor)));
        return true;
    });
    MELDER_CHECK(table.health());
    for (const auto& [number, id] : changed) {
        MELDER_TRY(auto row, load_device(table, id));
        // A batch may end between two devices of one change: the cursor then stays before it.
        if (row) batch.devices.push_back(std::move(*row));
        if (batch.devices.size() >= feed_slice) close_batch(number - 1);
    }
    batch.caught_up = true;
    close_batch(head.cursor);
    return batches;
}

}  // namespace melder::server
