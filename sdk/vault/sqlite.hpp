#pragma once
// SQLite's handles as owners. Blocking; one thread at a time. Results of SQLite
// become Errc: SQLITE_FULL storage_full, SQLITE_BUSY vault_in_use,
// SQLITE_CORRUPT and SQLITE_NOTADB vault_unreadable, anything else io_error.

#include <filesystem>
#include <memory>

#include "core/bytes.hpp"
#include "core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace melder::sdk {

/// A prepared statement, reset by `run` and at the end of `each`.
class SqliteStatement {
public:
    SqliteStatement() = default;
    explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

    SqliteStatement& bind(int index, std::int64_t value);
    SqliteStatement& bind(int index, BytesView value);  ///< not copied: it outlives the next step
    SqliteStatement& bind_null(int index);

    /// Steps to the end, ignoring rows.
    [[nodiscard]] Result<void> run();
    /// True while a row is there; resets at the end and after an error.
    [[nodiscard]] Result<bool> step();
    void reset() noexcept;

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] BytesView blob(int column) const;  ///< until the next step
    [[nodiscard]] bool is_null(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteDatabase {
public:
    enum class Mode { existing, create };
    [[nodiscard]] static Result<SqliteDatabase> open(const std::filesystem::path& path, Mode mode);

    [[nodiscard]] Result<void> execute(const char* sql);
    [[nodiscard]] Result<SqliteStatement> prepare(const char* sql);
    [[nodiscard]] Result<std::int64_t> integer_of(const char* sql);
    /// Whether closing folds the write-ahead log into the file; off, a refused
    /// vault stays byte for byte what it was.
    void checkpoint_on_close(bool on);
    /// Folds the write-ahead log into the file and truncates it.
    [[nodiscard]] Result<void> checkpoint_truncating();
    [[nodiscard]] bool in_transaction() const;
    /// Rows changed by the last statement.
    [[nodiscard]] std::int64_t changes() const;

private:
    struct Close {
        void operator()(sqlite3* database) const noexcept;
    };
    std::unique_ptr<sqlite3, Close> database_;
};

[[nodiscard]] Errc errc_of_sqlite(int code) noexcept;

}  // namespace melder::sdk
