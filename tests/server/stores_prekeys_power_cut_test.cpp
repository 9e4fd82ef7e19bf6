// A power cut: of the write-ahead log only what was synced is left.

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <unistd.h>

#include "server/stores/rocksdb/directory_store.hpp"
#include "server/stores/wait_for.hpp"

namespace melder::server {
namespace {

namespace fs = std::filesystem;

/// How much of each log file is on the disk for sure.
class SyncedBytes {
public:
    void appended(const std::string& file, std::size_t bytes) {
        const std::lock_guard lock(mutex_);
        files_[file].written += bytes;
    }
    void synced(const std::string& file) {
        const std::lock_guard lock(mutex_);
        files_[file].synced = files_[file].written;
    }
    [[nodiscard]] std::uintmax_t of(const std::string& file) const {
        const std::lock_guard lock(mutex_);
        const auto found = files_.find(file);
        return found == files_.end() ? 0 : found->second.synced;
    }

private:
    struct Sizes {
        std::uintmax_t written = 0, synced = 0;
    };
    mutable std::mutex mutex_;
    std::map<std::string, Sizes> files_;
};

class WatchedFile final : public rocksdb::WritableFileWrapper {
public:
    WatchedFile(std::unique_ptr<rocksdb::WritableFile> file, std::string name, SyncedBytes& bytes)
        : rocksdb::WritableFileWrapper(file.get()), file_(std::move(file)), name_(std::move(name)), bytes_(bytes) {}
    rocksdb::Status Append(const rocksdb::Slice& data) override {
        bytes_.appended(name_, data.size());
        return file_->Append(data);
    }
    rocksdb::Status Append(const rocksdb::Slice& data, const rocksdb::DataVerificationInfo&) override {
        return Append(data);
    }
    rocksdb::Status Sync() override {
        bytes_.synced(name_);
        return file_->Sync();
    }
    rocksdb::Status Fsync() override { return Sync(); }

private:
    std::unique_ptr<rocksdb::WritableFile> file_;
    std::string name_;
    SyncedBytes& bytes_;
};

class WatchedEnv final : public rocksdb::EnvWrapper {
public:
    explicit WatchedEnv(SyncedBytes& bytes) : rocksdb::EnvWrapper(rocksdb::Env::Default()), bytes_(bytes) {}
    rocksdb::Status NewWritableFile(const std::string& name, std::unique_ptr<rocksdb::WritableFile>* out,
                                    const rocksdb::EnvOptions& options) override {
        auto status = target()->NewWritableFile(name, out, options);
        if (status.ok() && name.ends_with(".log")) {
            *out = std::make_unique<WatchedFile>(std::move(*out), fs::path(name).filename().string(), bytes_);
        }
        return status;
    }

private:
    SyncedBytes& bytes_;
};

struct OpenedStore {
    OpenedStore(const fs::path& root, rocksdb::Env* env)
        : database(
              Database::open({.directory = root / "store", .epoch_file = root / "epoch", .restored = false, .env = env},
                             system_clock(), system_random())
                  .value()),
          store(*database) {}
    std::unique_ptr<Database> database;
    RocksDirectoryStore store;
};

class PowerCut : public ::testing::Test {
protected:
    PowerCut() {
        static std::atomic<int> count = 0;
        root_ = fs::temp_directory_path() /
                ("melder-power-cut-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        fs::create_directories(root_);
        open_ = std::make_unique<OpenedStore>(root_, &env_);
    }
    ~PowerCut() override {
        open_.reset();
        fs::remove_all(root_);
    }
    /// The disk as it is when the power goes now.
    [[nodiscard]] std::unique_ptr<OpenedStore> after_power_cut() {
        const auto copy = root_ / "copy";
        fs::create_directories(copy);
        fs::copy(root_ / "store", copy / "store", fs::copy_options::recursive);
        fs::copy(root_ / "epoch", copy / "epoch");
        for (const auto& entry : fs::directory_iterator(copy / "store")) {
            if (entry.path().extension() == ".log") {
                fs::resize_file(entry.path(), bytes_.of(entry.path().filename().string()));
            }
        }
        return std::make_unique<OpenedStore>(copy, nullptr);
    }
    static std::uint32_t put(DirectoryStore& store, const PrekeyPut& upload) {
        return wait_for<std::uint32_t>([&](auto executor, auto done) { store.put_prekeys(upload, executor, done); })
            .value();
    }
    static std::optional<StoredPrekey> take(DirectoryStore& store, const EnrolmentId& device) {
        return wait_for<std::vector<TakeResult>>(
                   [&](auto executor, auto done) { store.take_prekeys({{device, true}}, 0, executor, done); })
            .value()
            .front()
            .one_time;
    }

    fs::path root_;
    SyncedBytes bytes_;
    WatchedEnv env_{bytes_};
    std::unique_ptr<OpenedStore> open_;
    const EnrolmentId device_ = system_random().id<EnrolmentId>();
};

TEST_F(PowerCut, a_prekey_that_was_answered_with_is_never_given_again_and_an_upload_that_was_answered_is_there) {
    PrekeyPut upload;
    upload.device = device_;
    upload.signed_prekey.emplace().id = 1;
    for (std::uint32_t id = 1; id <= 3; ++id) {
        upload.one_time.emplace_back().id = id;
        upload.one_time.back().public_key.fill(static_cast<Byte>(id));
    }
    ASSERT_EQ(put(open_->store, upload), 3U);
    ASSERT_EQ(take(open_->store, device_)->id, 1U);
    ASSERT_EQ(take(open_->store, device_)->id, 2U);
    const auto after = after_power_cut();
    const auto next = take(after->store, device_);
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(next->id, 3U);
    EXPECT_FALSE(take(after->store, device_).has_value());
}

}  // namespace
}  // namespace melder::server
