#include "server/stores/rocksdb/database.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

#include "server/stores/rocksdb/batch_join.hpp"
#include "server/stores/rocksdb/commit_lane.hpp"
#include "server/stores/rocksdb/key_layout.hpp"
#include "server/stores/rocksdb/mailbox_expiry_filter.hpp"
#include "server/stores/rocksdb/store_epoch.hpp"
#include "server/stores/rocksdb/write_recovery.hpp"

namespace melder::server {
namespace {

constexpr std::uint64_t seconds_a_day = 24 * 60 * 60;

/// RocksDB's status does not name the damaged file; its log line does:
/// "[db_impl/db_impl_open.cc:982] <path>/000007.log: dropping 43 bytes; …".
class DamageListener final : public rocksdb::Logger {
public:
    explicit DamageListener(std::string directory)
        : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), directory_(std::move(directory)) {}
    using rocksdb::Logger::Logv;
    void Logv(const char* format, va_list arguments) override {
        std::array<char, 1024> line{};
        if (std::vsnprintf(line.data(), line.size(), format, arguments) <= 0) return;
        const std::string_view text(line.data());
        const auto end = text.find(".log: dropping");
        if (end == std::string_view::npos) return;
        const auto begin = text.rfind(directory_, end);
        if (begin == std::string_view::npos) return;
        const std::lock_guard lock(mutex_);
        if (file_.empty()) file_ = std::string(text.substr(begin, end + 4 - begin));
    }
    [[nodiscard]] std::string file() const {
        const std::lock_guard lock(mutex_);
        return file_;
    }

private:
    const std::string directory_;
    mutable std::mutex mutex_;
    std::string file_;
};

/// When the log line was not understood: the youngest write-ahead log.
std::string youngest_log(const std::string& directory) {
    std::string youngest;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        if (entry.path().extension() == ".log") youngest = std::max(youngest, entry.path().string());
    }
    return youngest.empty() ? directory : youngest;
}

Error open_error(const rocksdb::Status& status, const DatabaseConfig& config, const DamageListener& listener) {
    if (status.IsCorruption()) {
        std::string file = listener.file();
        if (file.empty()) file = youngest_log(config.directory);
        return {Errc::store_corrupt,
                file + " is damaged; put the directory " + config.directory +
                    " back from the last backup and start once with: melder-server run --restored"};
    }
    const std::string text = status.ToString();
    // A lock file that may not be opened ("While open a file for lock") is another matter, for the text to tell.
    if (text.find("While lock file") != std::string::npos ||
        text.find("lock hold by current process") != std::string::npos) {
        return {Errc::store_in_use, config.directory + " is open in another process; stop that one first"};
    }
    if (status.IsNoSpace()) return {Errc::storage_full, config.directory};
    return {Errc::io_error, config.directory + ": " + text};
}

}  // namespace

class Database::Impl {
public:
    explicit Impl(const Clock& clock)
        : clock_(clock), entry_filter_(make_entry_expiry_filter(clock)), body_filter_(make_body_expiry_filter(clock)) {}

    Result<void> open(const DatabaseConfig& config, Random& random) {
        std::error_code failed;
        std::filesystem::create_directories(config.directory, failed);
        if (failed) return Error(Errc::io_error, config.directory + ": " + failed.message());
        const auto listener = std::make_shared<DamageListener>(config.directory);
        const auto options = make_options(config, listener);
        rocksdb::DB* db = nullptr;
        const auto descriptors = make_families();
        const auto status = rocksdb::DB::Open(options, config.directory, descriptors, &handles_, &db);
        if (!status.ok()) return open_error(status, config, *listener);
        db_.reset(db);
        for (std::size_t i = 0; i < descriptors.size(); ++i)
            families_[descriptors[i].name] = handles_[i];
        MELDER_CHECK(check_layout());
        epoch_file_ = config.epoch_file;
        MELDER_TRY(const auto epoch, open_epoch(*db_, config.epoch_file, config.restored, clock_.wall(), random));
        epoch_ = epoch;
        reads_ = std::make_unique<ReadLane>();
        lane_ = std::make_unique<CommitLane>(*db_);
        return ok();
    }

    ~Impl() {
        lane_.reset();  // what it still commits may ask for reads
        reads_.reset();
        if (!db_) return;
        for (const auto& [name, handle] : families_)
            db_->DestroyColumnFamilyHandle(handle);
        db_->Close().PermitUncheckedError();
    }

    const Clock& clock_;
    std::unique_ptr<rocksdb::CompactionFilter> entry_filter_, body_filter_;
    std::unique_ptr<rocksdb::DB> db_;
    std::map<std::string, rocksdb::ColumnFamilyHandle*, std::less<>> families_;
    std::vector<rocksdb::ColumnFamilyHandle*> handles_;
    OpenedEpoch epoch_;
    std::string epoch_file_;
    std::unique_ptr<ReadLane> reads_;
    std::unique_ptr<CommitLane> lane_;

private:
    static rocksdb::DBOptions make_options(const DatabaseConfig& config, std::shared_ptr<rocksdb::Logger> listener) {
        rocksdb::DBOptions options;
        if (config.env != nullptr) options.env = config.env;
        options.create_if_missing = true;
        options.create_missing_column_families = true;
        // The default point-in-time recovery silently drops everything behind a damaged byte, acknowledged or not.
        options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
        options.recycle_log_file_num = 0;
        options.max_background_jobs = 2;
        options.max_total_wal_size = 256u * 1024 * 1024;
        options.info_log = std::move(listener);
        options.listeners.push_back(make_recovery_listener());
        options.avoid_flush_during_shutdown = true;  // only the anchor stands outside the log
        return options;
    }

    std::vector<rocksdb::ColumnFamilyDescriptor> make_families() const {
        std::vector<rocksdb::ColumnFamilyDescriptor> out;
        for (const auto name : key_layout::families) {
            rocksdb::ColumnFamilyOptions options;
            options.compression = rocksdb::kNoCompression;
            if (name == key_layout::mailbox_family || name == key_layout::body_family) {
                options.compaction_filter =
                    name == key_layout::mailbox_family ? entry_filter_.get() : body_filter_.get();
                options.periodic_compaction_seconds = seconds_a_day;
            }
            out.emplace_back(std::string(name), options);
        }
        return out;
    }

    Result<void> check_layout() {
        const rocksdb::Slice key(key_layout::layout_key);
        std::string value;
        const auto status = db_->Get({}, key, &value);
        if (status.IsNotFound()) {
            rocksdb::WriteOptions options;
            options.sync = true;
            return Database::result_of(
                db_->Put(options, key, std::string(1, static_cast<char>(key_layout::layout_version))));
        }
        MELDER_CHECK(Database::result_of(status));
        if (value.size() != 1 || static_cast<Byte>(value[0]) > key_layout::layout_version) {
            return Error(Errc::version_mismatch, "the store was written by a newer version of the server");
        }
        return ok();
    }
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const DatabaseConfig& config, const Clock& clock, Random& random) {
    auto impl = std::make_unique<Impl>(clock);
    MELDER_CHECK(impl->open(config, random));
    return std::unique_ptr<Database>(new Database(std::move(impl)));
}

rocksdb::DB& Database::db() noexcept {
    return *impl_->db_;
}
rocksdb::ColumnFamilyHandle* Database::family(std::string_view name) const {
    return impl_->families_.find(name)->second;
}
const StoreEpoch& Database::epoch() const noexcept {
    return impl_->epoch_.epoch;
}
Result<void> Database::raise_mark() {
    return server::raise_mark(*impl_->db_, impl_->epoch_file_, impl_->epoch_);
}
bool Database::was_restored() const noexcept {
    return impl_->epoch_.restored;
}
const StoreCounters& Database::counters() const noexcept {
    return impl_->lane_->counters();
}
void Database::commit(Write write) {
    impl_->lane_->add(std::move(write));
}
void Database::read(std::function<void()> work) {
    impl_->reads_->add(std::move(work));
}

void Database::commit(rocksdb::WriteBatch batch, bool sync, Executor executor, std::function<void(Result<void>)> done) {
    auto shared = std::make_shared<rocksdb::WriteBatch>(std::move(batch));
    commit(Write{
        [shared, this](rocksdb::WriteBatch& out) { join_batch(*shared, impl_->handles_, out).PermitUncheckedError(); },
        sync,
        [executor = std::move(executor), done = std::move(done)](const Result<void>& result) {
            if (!done) return;
            executor([done, result] { done(result); });
        }});
}

Result<void> Database::result_of(const rocksdb::Status& status) {
    if (status.ok()) return melder::ok();
    if (status.IsNoSpace()) return Errc::storage_full;
    if (status.IsCorruption()) return Error(Errc::store_corrupt, status.ToString());
    return Error(Errc::io_error, status.ToString());
}

}  // namespace melder::server
