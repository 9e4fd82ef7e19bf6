#include "tests/end_to_end/vault_file.hpp"

#include <sqlite3.h>

#include <stdexcept>
#include <string>

namespace melder::testing {
namespace {

/// Runs one statement and hands each row to `row`.
template <class Row>
void run(sqlite3* database, const std::string& text, Row row) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database, text.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
        throw std::runtime_error(sqlite3_errmsg(database));
    }
    int code = 0;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        row(statement);
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(database));
}

std::string of(sdk::Table table) {
    return " WHERE tbl=" + std::to_string(static_cast<int>(table));
}

}  // namespace

VaultFile::VaultFile(const std::filesystem::path& file) {
    if (sqlite3_open_v2(file.c_str(), &database_, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK) {
        sqlite3_close(database_);
        throw std::runtime_error("the vault's file cannot be opened");
    }
}
VaultFile::~VaultFile() {
    sqlite3_close(database_);
}

int VaultFile::count(sdk::Table table) {
    int out = 0;
    run(database_, "SELECT count(*) FROM cells" + of(table), [&](auto* row) { out = sqlite3_column_int(row, 0); });
    return out;
}

VaultFile::Cells VaultFile::damage(sdk::Table table) {
    Cells out;
    run(database_, "SELECT id, sealed FROM cells" + of(table), [&](auto* row) {
        const auto* bytes = static_cast<const unsigned char*>(sqlite3_column_blob(row, 1));
        out.emplace_back(sqlite3_column_int64(row, 0),
                         std::vector<unsigned char>(bytes, bytes + sqlite3_column_bytes(row, 1)));
    });
    auto broken = out;
    for (auto& [id, sealed] : broken)
        sealed.back() ^= 1;
    mend(broken);
    return out;
}

void VaultFile::mend(const Cells& cells) {
    for (const auto& [id, sealed] : cells) {
        sqlite3_stmt* statement = nullptr;
        sqlite3_prepare_v2(database_, "UPDATE cells SET sealed=? WHERE id=?", -1, &statement, nullptr);
        sqlite3_bind_blob(statement, 1, sealed.data(), static_cast<int>(sealed.size()), SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, id);
        const int code = sqlite3_step(statement);
        sqlite3_finalize(statement);
        if (code != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(database_));
    }
}

}  // namespace melder::testing
