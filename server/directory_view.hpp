#pragma once
// All devices in memory, fed by the directory store's change feed: what login and routing ask per connection and
// message.
//
// Threads: any. Devices are spread over shards of their own; a reader holds one shard's reader lock for a look-up and
// leaves with an immutable object, so readers of different devices do not meet and nobody waits for a disk.
//
//     DirectoryView view(clock);
//     auto feed = view.follow(store, executor);                       // until `feed` dies
//     view.subscribe([&](const DeviceChange& change) { … close its connections, drop its mailbox … });

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/limits.hpp"
#include "core/order_log.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::server {

struct DirectoryDevice {
    EnrolmentId device;
    OfficerId officer;
    std::string app;
    Ed25519Public enrolment_key;
    UnixTime bind_before, not_before, not_after;
    std::uint32_t grant_version = 0;
    DeviceStanding standing = DeviceStanding::active;
    bool bound = false;
    X25519Public identity_key;  ///< meaningful when bound
    P256Public login_key;       ///< meaningful when bound

    /// May write and be written to.
    [[nodiscard]] bool active_at(UnixTime now) const {
        return bound && standing == DeviceStanding::active && now >= not_before && now <= not_after;
    }
};
using DevicePointer = std::shared_ptr<const DirectoryDevice>;

/// A device lost or regained its standing.
struct DeviceChange {
    EnrolmentId device;
    DeviceStanding before = DeviceStanding::active;
    DeviceStanding now = DeviceStanding::active;
};

class DirectoryView {
public:
    /// `clock` outlives the view.
    explicit DirectoryView(const Clock& clock) : clock_(clock) {}
    DirectoryView(const DirectoryView&) = delete;
    DirectoryView& operator=(const DirectoryView&) = delete;

    /// Feeds the view from the store until the token dies. `executor` runs one piece of work after the other and
    /// outlives the token's last batch.
    [[nodiscard]] std::shared_ptr<void> follow(DirectoryStore& store, Executor executor);
    /// One batch; one caller at a time.
    void apply(const FeedBatch& batch);

    /// Null: no such device.
    [[nodiscard]] DevicePointer find(const EnrolmentId& device) const;
    /// An officer's devices that may be written to, ordered by id.
    [[nodiscard]] std::vector<EnrolmentId> active_devices(const OfficerId& officer, std::string_view app,
                                                          UnixTime now) const;
    /// False before the first full picture and once the feed has been silent for limits::directory_feed_oldest: then
    /// nobody is let in.
    [[nodiscard]] bool fresh() const;
    /// Since the feed was last heard; empty before it ever was.
    [[nodiscard]] std::optional<Millis> feed_age() const;
    [[nodiscard]] Cursor cursor() const noexcept { return cursor_.load(std::memory_order_acquire); }
    /// Blocks until the view shows the change of this number, at most `longest`; never on an event loop or the feed's
    /// executor. False: it does not yet.
    [[nodiscard]] bool wait_until(Cursor cursor, std::chrono::milliseconds longest) const;

    struct Counts {
        std::uint64_t active = 0, waiting = 0, revoked = 0;
        std::optional<UnixTime> first_grant_ends;  ///< of the active ones
        std::optional<UnixTime> grants_end;        ///< when limits::grants_in_bulk_percent of them will have ended
    };
    /// Looks at every device. For `Status` and metrics.
    [[nodiscard]] Counts count(UnixTime now) const;

    /// Called on the feed's executor, after the view changed. Subscribe before `follow`; what is true at the first
    /// picture (a device revoked earlier) is told as well, as a change from active.
    void subscribe(std::function<void(const DeviceChange&)> handler);

private:
    static constexpr std::size_t shard_count = 64;
    struct Shard {
        mutable std::shared_mutex mutex;
        std::unordered_map<EnrolmentId, DevicePointer> devices;
    };
    struct OfficerShard {
        mutable std::shared_mutex mutex;
        std::unordered_map<OfficerId, std::set<EnrolmentId>> devices;
    };
    [[nodiscard]] Shard& shard_of(const EnrolmentId& id) const {
        return shards_[std::hash<EnrolmentId>{}(id) % shard_count];
    }
    [[nodiscard]] OfficerShard& shard_of(const OfficerId& id) const {
        return officers_[std::hash<OfficerId>{}(id) % shard_count];
    }
    void apply(const DeviceRow& row);

    const Clock& clock_;
    mutable std::array<Shard, shard_count> shards_;
    mutable std::array<OfficerShard, shard_count> officers_;
    std::atomic<Cursor> cursor_{0};
    std::atomic<std::int64_t> last_heard_ms_{0};
    std::atomic<bool> complete_{false};
    mutable std::mutex cursor_mutex_;
    mutable std::condition_variable cursor_moved_;
    std::mutex handlers_mutex_;
    std::vector<std::function<void(const DeviceChange&)>> handlers_;
};

}  // namespace melder::server
