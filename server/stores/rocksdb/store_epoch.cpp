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
    std::uint64_t mark = 0;
};
struct OuterEpoch {
    StoreEpoch epoch;
    std::uint64_t mark = 0;
};
constexpr std::size_t unmarked_bytes = StoreEpoch::size_bytes + 1;
constexpr std::size_t marked_bytes = unmarked_bytes + sizeof(std::uint64_t);

Result<std::optional<InnerEpoch>> load_inner(rocksdb::DB& db) {
    std::string value;
    const auto status = db.Get({}, rocksdb::Slice(key_layout::epoch_key), &value);
    if (status.IsNotFound()) return std::optional<InnerEpoch>{};
    MELDER_CHECK(Database::result_of(status));
    if (value.size() != unmarked_bytes && value.size() != marked_bytes)
        return Error(Errc::store_corrupt, "the store epoch is malformed");
    MELDER_TRY(const auto epoch, StoreEpoch::from(std::string_view(value).substr(0, StoreEpoch::size_bytes)));
    InnerEpoch inner{.epoch = epoch, .stands_outside = value[StoreEpoch::size_bytes] == 1, .mark = 0};
    if (value.size() == marked_bytes) {
        inner.mark = from_big_endian<std::uint64_t>(view(value).subspan(unmarked_bytes).first<sizeof(std::uint64_t)>());
    }
    return std::optional(inner);
}

Result<void> save_inner(rocksdb::DB& db, const InnerEpoch& inner) {
    std::string value = inner.epoch.string();
    value.push_back(inner.stands_outside ? '\1' : '\0');
    value.append(as_chars(big_endian(inner.mark)));
    rocksdb::WriteOptions options;
    options.sync = true;
    return Database::result_of(db.Put(options, rocksdb::Slice(key_layout::epoch_key), value));
}

Result<std::optional<OuterEpoch>> load_outer(const std::string& file) {
    std::ifstream in(file);
    if (!in) {
        if (errno == ENOENT) return std::optional<OuterEpoch>{};
        return Error(Errc::io_error, file + " cannot be read");
    }
    std::string text;
    in >> text;
    const auto epoch = StoreEpoch::from_hex(text);
    if (epoch.has_error()) return Error(Errc::store_epoch_mismatch, file + " does not hold an epoch");
    OuterEpoch outer{.epoch = *epoch, .mark = 0};
    in >> outer.mark;  // missing in files of before there were marks: 0
    return std::optional(outer);
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
Result<void> save_outer(const std::string& file, const OuterEpoch& outer) {
    const std::string temporary = file + ".new";
    {
        std::ofstream out(temporary, std::ios::trunc);
        out << outer.epoch.hex() << ' ' << outer.mark << '\n';
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

Result<OpenedEpoch> establish(rocksdb::DB& db, const std::string& file, const StoreEpoch& epoch, bool restored) {
    // The store first: a crash in between leaves it marked as not yet standing outside, and the next start goes on
    // here.
    MELDER_CHECK(save_inner(db, {.epoch = epoch, .stands_outside = false, .mark = 1}));
    MELDER_CHECK(save_outer(file, {.epoch = epoch, .mark = 1}));
    MELDER_CHECK(save_inner(db, {.epoch = epoch, .stands_outside = true, .mark = 1}));
    return OpenedEpoch{.epoch = epoch, .restored = restored, .mark = 1};
}

}  // namespace

Result<OpenedEpoch> open_epoch(rocksdb::DB& db, const std::string& epoch_file, bool restored, UnixTime now,
                               Random& random) {
    MELDER_TRY(const auto inner, load_inner(db));
    MELDER_TRY(const auto outer, load_outer(epoch_file));
    if (restored) {
        const auto highest = std::max(inner ? number_of(inner->epoch) : 0, outer ? number_of(outer->epoch) : 0);
        const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.seconds()));
        return establish(db, epoch_file, make_epoch(std::max(highest + 1, seconds), random), true);
    }
    if (!inner && !outer) return establish(db, epoch_file, make_epoch(1, random), false);
    if (inner && !inner->stands_outside && (!outer || number_of(outer->epoch) <= number_of(inner->epoch))) {
        return establish(db, epoch_file, inner->epoch, false);
    }
    if (!inner || !outer || inner->epoch != outer->epoch) {
        return Error(Errc::store_epoch_mismatch,
                     epoch_file +
                         " names another store; if this one was restored from a backup, start "
                         "once with --restored, else put the right directory back");
    }
    // The store's mark is written first, so it never lags by itself.
    if (inner->mark < outer->mark) {
        return Error(Errc::store_epoch_mismatch,
                     "the store is older than " + epoch_file +
                         " says; if it was restored from a backup, start once with --restored, else put the right "
                         "directory back");
    }
    OpenedEpoch opened{.epoch = inner->epoch, .restored = false, .mark = inner->mark};
    MELDER_CHECK(raise_mark(db, epoch_file, opened));
    return opened;
}

Result<void> raise_mark(rocksdb::DB& db, const std::string& epoch_file, OpenedEpoch& epoch) {
    MELDER_CHECK(save_inner(db, {.epoch = epoch.epoch, .stands_outside = true, .mark = epoch.mark + 1}));
    ++epoch.mark;
    return save_outer(epoch_file, {.epoch = epoch.epoch, .mark = epoch.mark});
}

}  // namespace melder::server
