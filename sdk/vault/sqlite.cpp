#include "sdk/vault/sqlite.hpp"

#include <sqlite3.h>

namespace melder::sdk {

Errc errc_of_sqlite(int code) noexcept {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return Errc::storage_full;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Errc::vault_in_use;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_SCHEMA:
        case SQLITE_ERROR:
            return Errc::vault_unreadable;  // our own SQL is right, so a missing table
                                            // is damage
        case SQLITE_NOMEM:
            return Errc::out_of_memory;
        default:
            return Errc::io_error;
    }
}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}
void SqliteDatabase::Close::operator()(sqlite3* database) const noexcept {
    sqlite3_close(database);
}

SqliteStatement& SqliteStatement::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), index, value);
    return *this;
}

SqliteStatement& SqliteStatement::bind(int index, BytesView value) {
    // An empty span may have a null pointer, which SQLite would read as NULL.
    const void* data = value.empty() ? static_cast<const void*>("") : value.data();
    sqlite3_bind_blob64(statement_.get(), index, data, value.size(), SQLITE_STATIC);
    return *this;
}

SqliteStatement& SqliteStatement::bind_null(int index) {
    sqlite3_bind_null(statement_.get(), index);
    return *this;
}

Result<void> SqliteStatement::run() {
    for (;;) {
        MELDER_TRY(const bool row, step());
        if (!row) return ok();
    }
}

Result<bool> SqliteStatement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    reset();
    if (code == SQLITE_DONE) return false;
    return errc_of_sqlite(code);
}

void SqliteStatement::reset() noexcept {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
}

std::int64_t SqliteStatement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

BytesView SqliteStatement::blob(int column) const {
    const auto* data = static_cast<const Byte*>(sqlite3_column_blob(statement_.get(), column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool SqliteStatement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<SqliteDatabase> SqliteDatabase::open(const std::filesystem::path& path, Mode mode) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    SqliteDatabase database;
    database.database_.reset(handle);
    if (code != SQLITE_OK) return Error(errc_of_sqlite(code), path.string());
    return database;
}

Result<void> SqliteDatabase::execute(const char* sql) {
    const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return errc_of_sqlite(code);
    return ok();
}

Result<SqliteStatement> SqliteDatabase::prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return errc_of_sqlite(code);
    return SqliteStatement(statement);
}

Result<std::int64_t> SqliteDatabase::integer_of(const char* sql) {
    MELDER_TRY(auto statement, prepare(sql));
    MELDER_TRY(const bool row, statement.step());
    if (!row) return Errc::vault_unreadable;
    return statement.integer(0);
}

void SqliteDatabase::checkpoint_on_close(bool on) {
    sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on ? 0 : 1, nullptr);
}

Result<void> SqliteDatabase::checkpoint_truncating() {
    const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if (code != SQLITE_OK) return errc_of_sqlite(code);
    return ok();
}

bool SqliteDatabase::in_transaction() const {
    return sqlite3_get_autocommit(database_.get()) == 0;
}

std::int64_t SqliteDatabase::changes() const {
    return sqlite3_changes64(database_.get());
}

}  // namespace melder::sdk
