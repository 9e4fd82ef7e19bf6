#include "server/stores/rocksdb/store_epoch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "server/stores/rocksdb/database.hpp"
#include "server/stores/rocksdb/key_layout.hpp"

namespace melder::server {
namespace {

struct InnerEpoch {
    StoreEpoch epoch;
    bool stands_outside = false;
};

Result<std::optional<InnerEpoch>> load_inner(rocksdb::DB& db) {
    std::string value;
    const auto status = db.Get({}, rocksdb::Slice(key_layout::epoch_key), &value);
    if (status.IsNotFound()) return std::optional<InnerEpoch>{};
    MELDER_CHECK(Database::result_of(status));
    if (value.size() != StoreEpoch::size_bytes + 1) return Error(Errc::store_corrupt, "the store epoch is malformed");
    MELDER_TRY(const auto epoch, StoreEpoch::from(std::string_view(value).substr(0, StoreEpoch::size_bytes)));
    return std::optional(InnerEpoch{epoch, value.back() == 1});
}

Result<void> save_inner(rocksdb::DB& db, const InnerEpoch& inner) {
    std::string value = inner.epoch.string();
    value.push_back(inner.stands_outside ? '\1' : '\0');
    rocksdb::WriteOptions options;
    options.sync = true;
    return Database::result_of(db.Put(options, rocksdb::Slice(key_layout::epoch_key), value));
}

Result<std::optional<StoreEpoch>> load_outer(const std::string& file) {
    std::ifstream in(file);
    if (!in) {
        if (errno == ENOENT) return std::optional<StoreEpoch>{};
        return Error(Errc::io_error, file + " cannot be read");
    }
    std::string text;
    in >> text;
    auto epoch = StoreEpoch::from_hex(text);
    if (epoch.has_error()) return Error(Errc::store_epoch_mismatch, file + " does not hold an epoch");
    return std::optional(*epoch);
}

Result<void> sync_path(const std::string& path, int flags) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
    if (descriptor < 0) return Error(Errc::io_error, path + ": " + std::strerror(errno));
    const bool synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    if (!synced) return Error(Errc::io_error, path + " cannot be synced");
    return ok();
}

/// Whole or not at all: a temporary file, synced, renamed, its directory synced.
Result<void> save_outer(const std::string& file, const StoreEpoch& epoch) {
    const std::string temporary = file + ".new";
    {
        std::ofstream out(temporary, std::ios::trunc);
        out << epoch.hex() << '\n';
        out.flush();
        if (!out) return Error(Errc::io_error, temporary + " cannot be written");
    }
    MELDER_CHECK(sync_path(temporary, O_RDONLY));
    if (::rename(temporary.c_str(), file.c_str()) != 0) return Error(Errc::io_error, file + " cannot be replaced");
    const auto parent = std::filesystem::path(file).parent_path();
    return sync_path(parent.empty() ? "." : parent.string(), O_RDONLY | O_DIRECTORY);
}

std::uint64_t number_of(const StoreEpoch& epoch) {
    return from_big_endian<std::uint64_t>(epoch.view().first<8>());
}

StoreEpoch make_epoch(std::uint64_t number, Random& random) {
    ByteArray<StoreEpoch::size_bytes> bytes{};
    random.fill(bytes);
    std::ranges::copy(big_endian(number), bytes.begin());
    return StoreEpoch(bytes);
}

Result<void> establish(rocksdb::DB& db, const std::string& file, const StoreEpoch& epoch) {
    // The store first: a crash in between leaves it marked as not yet standing outside, and the next start goes on
    // here.
    MELDER_CHECK(save_inner(db, {epoch, false}));
    MELDER_CHECK(save_outer(file, epoch));
    return save_inner(db, {epoch, true});
}

}  // namespace

Result<OpenedEpoch> open_epoch(rocksdb::DB& db, const std::string& epoch_file, bool restored, UnixTime now,
                               Random& random) {
    MELDER_TRY(const auto inner, load_inner(db));
    MELDER_TRY(const auto outer, load_outer(epoch_file));
    if (restored) {
        const auto highest = std::max(inner ? number_of(inner->epoch) : 0, outer ? number_of(*outer) : 0);
        const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.seconds()));
        const auto epoch = make_epoch(std::max(highest + 1, seconds), random);
        MELDER_CHECK(establish(db, epoch_file, epoch));
        return OpenedEpoch{epoch, true};
    }
    if (!inner && !outer) {
        const auto epoch = make_epoch(1, random);
        MELDER_CHECK(establish(db, epoch_file, epoch));
        return OpenedEpoch{epoch, false};
    }
    if (inner && !inner->stands_outside && (!outer || number_of(*outer) <= number_of(inner->epoch))) {
        MELDER_CHECK(establish(db, epoch_file, inner->epoch));
        return OpenedEpoch{inner->epoch, false};
    }
    if (!inner || !outer || inner->epoch != *outer) {
        return Error(Errc::store_epoch_mismatch,
                     epoch_file +
                         " names another store; if this one was restored from a backup, start "
                         "once with --restored, else put the right directory back");
    }
    return OpenedEpoch{inner->epoch, false};
}

}  // namespace melder::server
