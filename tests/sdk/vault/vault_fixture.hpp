#pragma once
// A vault in a folder of its own, and a way to look at everything it wrote.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/crypto.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk::testing {

struct VaultFolder {
    std::filesystem::path folder;
    std::filesystem::path file;
    FilePlatformKeys keys;
    UnixTime now{1'800'000'000'000};

    VaultFolder() : folder(make()), file(folder / "vault"), keys(folder / "device-key") {}
    ~VaultFolder() { std::filesystem::remove_all(folder); }
    VaultFolder(const VaultFolder&) = delete;
    VaultFolder& operator=(const VaultFolder&) = delete;

    [[nodiscard]] Result<std::unique_ptr<Vault>> try_open(bool create = false) {
        return Vault::open({.path = file, .keys = keys, .random = system_random(), .create = create});
    }
    [[nodiscard]] std::unique_ptr<Vault> open() { return try_open(true).value(); }

    /// Every file but the device key's, one after the other.
    [[nodiscard]] std::string everything_written() const {
        std::string out;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            if (entry.path().filename() != "device-key") out += read(entry.path());
        }
        return out;
    }
    [[nodiscard]] static std::string read(const std::filesystem::path& path) {
        std::ifstream in(path, std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        return text.str();
    }
    static void write(const std::filesystem::path& path, std::string_view bytes) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    }

private:
    static std::filesystem::path make() {
        std::string name = (std::filesystem::temp_directory_path() / "melder-vault-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        return name;
    }
};

struct VaultTest : ::testing::Test {
    VaultFolder place;
    std::unique_ptr<Vault> vault = place.open();

    VaultTransaction begin(Millis later = Millis(0)) { return vault->begin(place.now + later); }
    void reopen() {
        vault.reset();
        vault = place.try_open().value();
    }
    void put(Table table, std::string_view key, std::string_view value, CellOptions options = {}) {
        auto transaction = begin();
        ASSERT_TRUE(transaction.put(table, view(key), SecretBuffer(view(value)), options));
        ASSERT_TRUE(transaction.commit(Sync::durable));
    }
    /// "-" if there is nothing.
    static std::string get(const VaultTransaction& transaction, Table table, std::string_view key) {
        const auto value = transaction.find(table, view(key)).value();
        return value ? to_string(value->expose()) : "-";
    }
    std::string get(Table table, std::string_view key) { return get(begin(), table, key); }
};

}  // namespace melder::sdk::testing
