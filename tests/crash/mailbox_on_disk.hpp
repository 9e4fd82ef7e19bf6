#pragma once
// A mailbox store on a disk of its own, spoken to as if it were synchronous.

#include <unistd.h>

#include <filesystem>
#include <future>
#include <map>

#include "core/endian.hpp"
#include "server/stores/rocksdb/mailbox_store.hpp"

namespace melder::server::test {

inline EnvelopeId envelope_id(std::uint32_t n) {
    ByteArray<16> id{};
    std::ranges::copy(big_endian(n), id.begin());
    return EnvelopeId(id);
}
inline std::string body_text(std::uint32_t n) {
    return "body " + std::to_string(n);
}

/// A folder that goes with the object.
struct Folder {
    explicit Folder(std::string_view name)
        : root(std::filesystem::temp_directory_path() / (std::string(name) + std::to_string(::getpid()))) {
        std::filesystem::remove_all(root);
        std::filesystem::create_directories(root);
    }
    ~Folder() { std::filesystem::remove_all(root); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::filesystem::path root;
};

inline DatabaseConfig config_in(const std::filesystem::path& root, rocksdb::Env* env = nullptr) {
    return {(root / "store").string(), (root / "epoch").string(), false, env};
}

struct OpenMailboxes {
    explicit OpenMailboxes(const std::filesystem::path& root, rocksdb::Env* env = nullptr)
        : database(Database::open(config_in(root, env), system_clock(), system_random()).value()),
          store(*database, system_clock(), system_random()) {}

    static EnrolmentId device() { return EnrolmentId(ByteArray<16>{9}); }
    static Executor here() {
        return [](const std::function<void()>& work) { work(); };
    }
    static PutItem item(std::uint32_t n) {
        const auto expires_at = system_clock().wall() + limits::ttl_default;
        ByteArray<32> hash{};
        std::ranges::copy(big_endian(n), hash.begin());
        return {device(),
                Lane::normal,
                envelope_id(n),
                Hash(hash),
                expires_at,
                "header",
                std::make_shared<SharedBody>(body_text(n), expires_at),
                {},
                EntryState::fresh};
    }
    PutOutcome put(std::uint32_t n) {
        std::promise<PutOutcome> outcome;
        store.put({item(n)}, here(),
                  [&](const std::vector<PutResult>& results) { outcome.set_value(results.front().outcome); });
        return outcome.get_future().get();
    }
    /// Body by envelope id, of all that waits; an id that stands there twice is marked by "twice".
    std::map<EnvelopeId, std::string> waiting() {
        std::map<EnvelopeId, std::string> out;
        std::promise<ListPage> done;
        store.list({device(), Lane::normal, EntryState::fresh, 0, 1'000'000, std::size_t{1} << 40}, here(),
                   [&](Result<ListPage> page) { done.set_value(std::move(*page)); });
        for (const auto& entry : done.get_future().get().entries) {
            const auto body = entry.body ? entry.body->encoded : std::string("no body");
            if (!out.emplace(entry.id, body).second) out[entry.id] = "twice";
        }
        return out;
    }
    std::unique_ptr<Database> database;
    RocksdbMailboxStore store;
};

}  // namespace melder::server::test
