#include "sdk/vault/store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "core/endian.hpp"

namespace melder::sdk {
namespace {

constexpr const char* schema =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE data_keys(id INTEGER PRIMARY KEY, compartment INTEGER NOT NULL, purpose INTEGER NOT NULL,"
    " wrapped BLOB NOT NULL);"
    // With a rowid: values are larger than a key b-tree keeps in its pages. No index over data_key: every write would
    // pay for it, and a change of the data key walks the table once.
    "CREATE TABLE cells(id INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, lookup BLOB NOT NULL, version INTEGER NOT NULL,"
    " data_key INTEGER NOT NULL, expires_ms INTEGER, grp BLOB, sealed BLOB NOT NULL);"
    "CREATE UNIQUE INDEX cells_by_lookup ON cells(tbl, lookup);"
    "CREATE INDEX cells_by_group ON cells(tbl, grp) WHERE grp IS NOT NULL;"
    "CREATE INDEX cells_by_expiry ON cells(expires_ms) WHERE expires_ms IS NOT NULL;";

#define MELDER_CELL_COLUMNS "tbl, lookup, version, data_key, expires_ms, grp, sealed"

std::size_t index_of(Compartment compartment) {
    return static_cast<std::size_t>(compartment);
}

Result<CellPlace> place_of(const SqliteStatement& row) {
    CellPlace place;
    place.table = static_cast<Table>(row.integer(0));
    MELDER_TRY(place.lookup, to_array<lookup_bytes>(row.blob(1)));
    place.version = static_cast<std::uint64_t>(row.integer(2));
    place.data_key = static_cast<std::uint64_t>(row.integer(3));
    place.expires_ms = row.is_null(4) ? 0 : row.integer(4);
    place.group = to_bytes(row.blob(5));
    return place;
}

Result<void> sync_folder(const std::filesystem::path& path) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return Errc::io_error;
    const bool synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    if (!synced) return Errc::io_error;
    return ok();
}

Result<void> set_up_connection(SqliteDatabase& database) {
    // Exclusive: the lock file has decided who owns the vault, so the log's index may live in memory (no -shm file).
    MELDER_CHECK(
        database.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;"
                         "PRAGMA mmap_size=0; PRAGMA fullfsync=ON; PRAGMA checkpoint_fullfsync=ON;"
                         "PRAGMA secure_delete=ON;"));
    return ok();
}

}  // namespace

// meta = salt ‖ check of boot ‖ check of main ‖ SHA-256 of those: damage is told apart from a wrong device key.
Bytes VaultStore::Meta::encode() const {
    Bytes out(salt.begin(), salt.end());
    for (const auto& check : checks)
        out.insert(out.end(), check.begin(), check.end());
    const Hash sum = sha256(out);
    out.insert(out.end(), sum.view().begin(), sum.view().end());
    return out;
}

Result<VaultStore::Meta> VaultStore::Meta::decode(BytesView bytes) {
    if (bytes.size() != 96 || !equal(sha256(bytes.first(64)).view(), bytes.subspan(64))) return Errc::vault_unreadable;
    Meta meta;
    std::ranges::copy(bytes.first(32), meta.salt.begin());
    std::ranges::copy(bytes.subspan(32, 16), meta.checks[0].begin());
    std::ranges::copy(bytes.subspan(48, 16), meta.checks[1].begin());
    return meta;
}

Result<std::unique_ptr<VaultStore>> VaultStore::open(Vault::Options options) {
    std::unique_ptr<VaultStore> store(new VaultStore(options.keys, options.random));
    std::error_code error;
    const bool exists = std::filesystem::exists(options.path, error);
    if (!exists && !options.create) return Error(Errc::not_found, options.path.string());
    MELDER_TRY(store->lock_, FileLock::take(options.path.string() + ".lock"));
    if (!exists) MELDER_CHECK(create(options));
    if (auto opened = store->open_file(options.path); opened.has_error()) {
        return Error(opened.error().code(),
                     opened.error().detail().empty() ? options.path.string() : opened.error().detail());
    }
    MELDER_CHECK(store->open_compartment(Compartment::boot, options.share));
    if (auto main = store->open_compartment(Compartment::main, options.share);
        main.has_error() && main.error() != Errc::locked) {
        return main.error();
    }
    MELDER_CHECK(store->count_opening());
    store->database_.checkpoint_on_close(true);
    return store;
}

VaultStore::~VaultStore() = default;

Result<void> VaultStore::create(const Vault::Options& options) {
    MELDER_CHECK(options.keys.create(options.random));
    // Under another name until it is whole, so that a vault that exists is a vault that opens.
    const std::filesystem::path unfinished = options.path.string() + ".new";
    for (const char* suffix : {"", "-wal", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(unfinished.string() + suffix, ignored);
    }
    Meta meta;
    options.random.fill(meta.salt);
    {
        const int made = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (made < 0) return Error(Errc::io_error, "the vault cannot be created: " + unfinished.string());
        ::close(made);
        MELDER_TRY(auto database, SqliteDatabase::open(unfinished, SqliteDatabase::Mode::existing));
        MELDER_CHECK(set_up_connection(database));
        MELDER_CHECK(database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE;"));
        MELDER_CHECK(database.execute(schema));
        std::uint64_t id = 0;
        for (const auto compartment : {Compartment::boot, Compartment::main}) {
            MELDER_TRY(const auto device_key, options.keys.load(compartment));
            const LeaseShare none;
            const auto& share = compartment == Compartment::main ? options.share : none;
            const auto vault_key = derive_vault_key(device_key, share, meta.salt, compartment);
            meta.checks[index_of(compartment)] = check_of(vault_key, meta.salt);
            for (const auto purpose : {KeyPurpose::data, KeyPurpose::index, KeyPurpose::blind}) {
                const auto key = options.random.secret<AeadKey>();
                ++id;
                const Bytes wrapped = wrap_key(vault_key, id, compartment, purpose, key.expose(), options.random);
                MELDER_TRY(auto put, database.prepare("INSERT INTO data_keys VALUES(?,?,?,?)"));
                put.bind(1, static_cast<std::int64_t>(id)).bind(2, static_cast<std::int64_t>(compartment));
                put.bind(3, static_cast<std::int64_t>(purpose)).bind(4, BytesView(wrapped));
                MELDER_CHECK(put.run());
            }
        }
        MELDER_TRY(auto put,
                   database.prepare("INSERT INTO meta VALUES('vault', ?), ('opening', ?), ('empty commits', 0)"));
        const Bytes encoded = meta.encode();
        put.bind(1, BytesView(encoded)).bind(2, std::int64_t{0});
        MELDER_CHECK(put.run());
        static_assert(vault_schema_version == 1);
        MELDER_CHECK(database.execute("PRAGMA user_version=1; COMMIT;"));
        MELDER_CHECK(database.checkpoint_truncating());
    }
    std::error_code error;
    std::filesystem::rename(unfinished, options.path, error);
    if (error) return Error(Errc::io_error, "the vault cannot be created: " + options.path.string());
    return sync_folder(options.path);
}

Result<void> VaultStore::open_file(const std::filesystem::path& path) {
    MELDER_TRY(database_, SqliteDatabase::open(path, SqliteDatabase::Mode::existing));
    database_.checkpoint_on_close(false);
    MELDER_CHECK(set_up_connection(database_));
    MELDER_TRY(const auto version, database_.integer_of("PRAGMA user_version"));
    if (version > vault_schema_version) return Errc::vault_newer_version;
    if (version != vault_schema_version) return Errc::vault_unreadable;
    MELDER_TRY(auto load, database_.prepare("SELECT value FROM meta WHERE name='vault'"));
    MELDER_TRY(const bool found, load.step());
    if (!found) return Errc::vault_unreadable;
    MELDER_TRY(meta_, Meta::decode(load.blob(0)));
    load.reset();
    return prepare_statements();
}

Result<void> VaultStore::prepare_statements() {
    MELDER_TRY(find_, database_.prepare("SELECT " MELDER_CELL_COLUMNS " FROM cells WHERE tbl=? AND lookup=?"));
    MELDER_TRY(scan_, database_.prepare("SELECT " MELDER_CELL_COLUMNS " FROM cells WHERE tbl=?"));
    MELDER_TRY(scan_group_, database_.prepare("SELECT " MELDER_CELL_COLUMNS " FROM cells WHERE tbl=? AND grp=?"));
    MELDER_TRY(put_,
               database_.prepare(
                   "INSERT INTO cells(" MELDER_CELL_COLUMNS ") VALUES(?,?,?,?,?,?,?) ON CONFLICT(tbl, lookup) DO "
                   "UPDATE SET version=excluded.version, data_key=excluded.data_key, expires_ms=excluded.expires_ms, "
                   "grp=excluded.grp, sealed=excluded.sealed"));
    MELDER_TRY(erase_, database_.prepare("DELETE FROM cells WHERE tbl=? AND lookup=?"));
    MELDER_TRY(erase_expired_, database_.prepare("DELETE FROM cells WHERE expires_ms <= ?"));
    MELDER_TRY(
        cells_of_older_key_,
        database_.prepare("SELECT " MELDER_CELL_COLUMNS ", id FROM cells WHERE id>? AND data_key IN "
                          "(SELECT id FROM data_keys WHERE compartment=? AND purpose=0 AND id<?) ORDER BY id LIMIT ?"));
    return ok();
}

Result<void> VaultStore::count_opening() {
    MELDER_TRY(const auto before, database_.integer_of("SELECT value FROM meta WHERE name='opening'"));
    if (before < 0 || before >= (std::int64_t{1} << 30)) return Errc::vault_unreadable;
    opening_ = static_cast<std::uint64_t>(before) + 1;
    return in_transaction(Sync::durable,
                          [&] { return database_.execute("UPDATE meta SET value=value+1 WHERE name='opening'"); });
}

Result<void> VaultStore::open_compartment(Compartment compartment, const LeaseShare& share) {
    auto device_key = keys_.load(compartment);
    if (device_key.has_error()) {
        // The vault is there and its key is not: that is the wrong key, whatever the platform calls it.
        if (device_key.error() == Errc::not_found) return Error(Errc::vault_wrong_key, device_key.error().detail());
        return device_key.error();
    }
    const LeaseShare none;
    auto vault_key =
        derive_vault_key(*device_key, compartment == Compartment::main ? share : none, meta_.salt, compartment);
    if (!equal_constant_time(check_of(vault_key, meta_.salt), meta_.checks[index_of(compartment)])) {
        return Errc::vault_wrong_key;
    }
    KeyRing ring;
    MELDER_TRY(auto load, database_.prepare("SELECT id, purpose, wrapped FROM data_keys WHERE compartment=?"));
    load.bind(1, static_cast<std::int64_t>(compartment));
    for (;;) {
        MELDER_TRY(const bool row, load.step());
        if (!row) break;
        const auto id = static_cast<std::uint64_t>(load.integer(0));
        if (load.integer(1) < 0 || load.integer(1) > 2) return Errc::vault_unreadable;
        const auto purpose = static_cast<KeyPurpose>(load.integer(1));
        MELDER_TRY(auto key, unwrap_key(vault_key, id, compartment, purpose, load.blob(2)));
        ring.add(id, purpose, std::move(key));
    }
    if (!ring.complete()) return Errc::vault_unreadable;
    rings_[index_of(compartment)] = std::move(ring);
    vault_keys_[index_of(compartment)] = std::move(vault_key);
    return ok();
}

void VaultStore::close_compartment(Compartment compartment) {
    rings_[index_of(compartment)].reset();
    vault_keys_[index_of(compartment)].reset();
}

Result<const KeyRing*> VaultStore::ring(Compartment compartment) const {
    const auto& found = rings_[index_of(compartment)];
    if (!found) return Errc::locked;
    return &*found;
}

Result<std::optional<KeyRing::Cell>> VaultStore::find(Table table, const Lookup& lookup, UnixTime now) {
    MELDER_TRY(const auto* keys, ring(table));
    find_.bind(1, static_cast<std::int64_t>(table)).bind(2, BytesView(lookup));
    MELDER_TRY(const bool row, find_.step());
    if (!row) return std::optional<KeyRing::Cell>();
    const auto place = place_of(find_);
    const bool expired = place.has_value() && place->expires_ms != 0 && place->expires_ms <= now.ms;
    auto cell = place.has_error() ? Result<KeyRing::Cell>(place.error()) : keys->open(*place, find_.blob(6));
    find_.reset();
    MELDER_TRY(auto opened, std::move(cell));
    if (expired) return std::optional<KeyRing::Cell>();
    return std::optional<KeyRing::Cell>(std::move(opened));
}

Result<void> VaultStore::for_each(Table table, const BytesView* group, UnixTime now, const Visitor& visit) {
    MELDER_TRY(const auto* keys, ring(table));
    auto& statement = group ? scan_group_ : scan_;
    const Bytes blinded = group ? keys->group(table, *group) : Bytes();
    statement.bind(1, static_cast<std::int64_t>(table));
    if (group) statement.bind(2, BytesView(blinded));
    for (;;) {
        MELDER_TRY(const bool row, statement.step());
        if (!row) return ok();
        const auto one = [&]() -> Result<void> {
            MELDER_TRY(const auto place, place_of(statement));
            MELDER_TRY(const auto cell, keys->open(place, statement.blob(6)));
            if (place.expires_ms != 0 && place.expires_ms <= now.ms) return ok();
            return visit(place.lookup, cell);
        }();
        if (one.has_error()) {
            statement.reset();
            return one.error();
        }
    }
}

Result<void> VaultStore::in_transaction(Sync sync, const std::function<Result<void>()>& body) {
    if (sync_ != sync) {
        MELDER_CHECK(
            database_.execute(sync == Sync::durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
        sync_ = sync;
    }
    MELDER_CHECK(database_.execute("BEGIN IMMEDIATE"));
    auto done = body();
    if (done.has_value()) done = database_.execute("COMMIT");
    // A failed statement or COMMIT may or may not have ended the transaction by itself.
    if (done.has_error() && database_.in_transaction()) {
        if (auto undone = database_.execute("ROLLBACK"); undone.has_error()) return undone.error();
    }
    return done;
}

Result<void> VaultStore::write_cell(const KeyRing& keys, CellPlace place, BytesView key, BytesView value) {
    place.version = next_version();
    place.data_key = keys.current_data_key();
    const Bytes sealed = keys.seal(place, key, value, random_);
    put_.bind(1, static_cast<std::int64_t>(place.table)).bind(2, BytesView(place.lookup));
    put_.bind(3, static_cast<std::int64_t>(place.version)).bind(4, static_cast<std::int64_t>(place.data_key));
    if (place.expires_ms != 0) {
        put_.bind(5, place.expires_ms);
    } else {
        put_.bind_null(5);
    }
    if (!place.group.empty()) {
        put_.bind(6, BytesView(place.group));
    } else {
        put_.bind_null(6);
    }
    put_.bind(7, BytesView(sealed));
    return put_.run();
}

Result<void> VaultStore::commit(const std::map<VaultTransaction::StagedKey, VaultTransaction::Staged>& staged,
                                Sync sync) {
    if (staged.empty() && sync == Sync::deferred) return ok();
    for (const auto& [key, write] : staged)
        MELDER_CHECK(ring(write.table));
    return in_transaction(sync, [&]() -> Result<void> {
        for (const auto& [key, write] : staged) {
            MELDER_TRY(const auto* keys, ring(write.table));
            if (!write.value) {
                erase_.bind(1, static_cast<std::int64_t>(write.table)).bind(2, BytesView(key.second));
                MELDER_CHECK(erase_.run());
                continue;
            }
            CellPlace place;
            place.table = write.table;
            place.lookup = key.second;
            place.expires_ms = write.expires ? write.expires->ms : 0;
            place.group = keys->group(write.table, write.group);
            MELDER_CHECK(write_cell(*keys, std::move(place), write.key, write.value->expose()));
        }
        // A transaction that changes no page writes no frame and so syncs nothing, and SQLite notices that an UPDATE
        // changes nothing; "durable" promises the earlier commits too.
        if (staged.empty()) return database_.execute("UPDATE meta SET value=value+1 WHERE name='empty commits'");
        return ok();
    });
}

Result<std::size_t> VaultStore::erase_expired(UnixTime now) {
    std::size_t erased = 0;
    MELDER_CHECK(in_transaction(Sync::durable, [&]() -> Result<void> {
        MELDER_CHECK(erase_expired_.bind(1, now.ms).run());
        erased = static_cast<std::size_t>(database_.changes());
        return ok();
    }));
    return erased;
}

Result<void> VaultStore::begin_data_key_change(Compartment compartment) {
    MELDER_TRY(const auto* keys, ring(compartment));
    if (keys->data_keys() > 1) return ok();
    const auto fresh = random_.secret<AeadKey>();
    std::uint64_t id = 0;
    MELDER_CHECK(in_transaction(Sync::durable, [&]() -> Result<void> {
        // Ids are never reused: the highest ever stands in meta's successor, the newest row, which is kept.
        MELDER_TRY(const auto highest, database_.integer_of("SELECT MAX(id) FROM data_keys"));
        id = static_cast<std::uint64_t>(highest) + 1;
        const Bytes wrapped =
            wrap_key(*vault_keys_[index_of(compartment)], id, compartment, KeyPurpose::data, fresh.expose(), random_);
        MELDER_TRY(auto put, database_.prepare("INSERT INTO data_keys VALUES(?,?,?,?)"));
        put.bind(1, static_cast<std::int64_t>(id)).bind(2, static_cast<std::int64_t>(compartment));
        put.bind(3, static_cast<std::int64_t>(KeyPurpose::data)).bind(4, BytesView(wrapped));
        return put.run();
    }));
    rings_[index_of(compartment)]->add(id, KeyPurpose::data, SecretBuffer(fresh.expose()));
    return ok();
}

Result<bool> VaultStore::step_data_key_change(Compartment compartment, std::size_t cells) {
    MELDER_TRY(const auto* keys, ring(compartment));
    if (keys->data_keys() < 2) return true;
    struct Sealed {
        CellPlace place;
        Bytes bytes;
    };
    std::vector<Sealed> slice;
    auto& walked_to = resealed_to_[index_of(compartment)];
    auto reached = walked_to;
    cells_of_older_key_.bind(1, walked_to).bind(2, static_cast<std::int64_t>(compartment));
    cells_of_older_key_.bind(3, static_cast<std::int64_t>(keys->current_data_key()));
    cells_of_older_key_.bind(4, static_cast<std::int64_t>(cells));
    for (;;) {
        MELDER_TRY(const bool row, cells_of_older_key_.step());
        if (!row) break;
        auto place = place_of(cells_of_older_key_);
        if (place.has_error()) {
            cells_of_older_key_.reset();
            return place.error();
        }
        slice.push_back({std::move(*place), to_bytes(cells_of_older_key_.blob(6))});
        reached = cells_of_older_key_.integer(7);
    }
    if (slice.empty() && walked_to != 0) {
        // Before the old key is destroyed, the whole table is looked at once more.
        walked_to = 0;
        return step_data_key_change(compartment, cells);
    }
    if (slice.empty()) {
        MELDER_CHECK(finish_data_key_change(compartment));
        return true;
    }
    MELDER_CHECK(in_transaction(Sync::deferred, [&]() -> Result<void> {
        for (auto& sealed : slice) {
            MELDER_TRY(const auto cell, keys->open(sealed.place, sealed.bytes));
            MELDER_CHECK(write_cell(*keys, sealed.place, cell.key(), cell.value()));
        }
        return ok();
    }));
    walked_to = reached;
    return false;
}

Result<void> VaultStore::finish_data_key_change(Compartment compartment) {
    const auto current = rings_[index_of(compartment)]->current_data_key();
    MELDER_CHECK(in_transaction(Sync::durable, [&]() -> Result<void> {
        MELDER_TRY(auto drop, database_.prepare("DELETE FROM data_keys WHERE compartment=? AND purpose=0 AND id<?"));
        drop.bind(1, static_cast<std::int64_t>(compartment)).bind(2, static_cast<std::int64_t>(current));
        return drop.run();
    }));
    rings_[index_of(compartment)]->drop_data_keys_below(current);
    // The old wraps also stand in frames of the log; folding it in overwrites them in the file (secure_delete).
    return database_.checkpoint_truncating();
}

}  // namespace melder::sdk
