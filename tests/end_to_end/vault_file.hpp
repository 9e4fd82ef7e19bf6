#pragma once
// A closed vault's file as SQLite sees it: sealed cells, which can be counted, damaged and mended.

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "sdk/vault/layout.hpp"

struct sqlite3;

namespace melder::testing {

class VaultFile {
public:
    /// Throws if it cannot be opened: an account still has it.
    explicit VaultFile(const std::filesystem::path& file);
    ~VaultFile();
    VaultFile(const VaultFile&) = delete;
    VaultFile& operator=(const VaultFile&) = delete;

    [[nodiscard]] int count(sdk::Table table);
    using Cells = std::vector<std::pair<std::int64_t, std::vector<unsigned char>>>;
    /// Makes every cell of the table unreadable; returns what they were.
    [[nodiscard]] Cells damage(sdk::Table table);
    void mend(const Cells& cells);

private:
    sqlite3* database_ = nullptr;
};

}  // namespace melder::testing
