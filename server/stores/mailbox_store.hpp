#pragma once
// Mailboxes: what rests for devices that are not connected. Narrow, set-based, asynchronous, so that one machine's
// RocksDB and PostgreSQL shared by many relays can both stand behind it (DESIGN §9).
//
// Threads: any. `done` runs once through the executor that came with the call, also on errors; a store's destructor
// waits until each has been handed over, so executors outlive stores. Operations on one device take effect in the order
// in which they were called. Nothing is atomic across devices. Nothing of a body is read by the store.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/envelope.hpp"
#include "core/ids.hpp"
#include "core/limits.hpp"
#include "server/stores/executor.hpp"

namespace melder::server {

/// Part of the key of an entry; the numbers are on disk.
enum class EntryState : std::uint8_t {
    fresh = 1,   ///< *new*: waits for its device
    held = 2,    ///< acknowledged with `hold`; history, not built yet
    aside = 3,   ///< refused three times
    expired = 4  ///< a marker: was never delivered
};

/// The body of one upload attempt, shared by all its entries. The store writes it once, however many entries come in
/// however many batches, as long as the object is the same.
class SharedBody {
public:
    SharedBody(std::string encoded_body, UnixTime expires_at)
        : encoded(std::move(encoded_body)), expires_at(expires_at) {}
    const std::string encoded;  ///< an EnvelopeBody
    const UnixTime expires_at;
    std::uint64_t store_key = 0;  ///< the store's own, touched on its thread only; 0: not written
};
using BodyPointer = std::shared_ptr<SharedBody>;

/// What an entry remembers about its recipient's answers.
struct EntryMarks {
    std::uint8_t refusals = 0;
    std::uint16_t refusal_code = 0;  ///< Errc of the last refusal
    std::optional<UnixTime> deferred_since;
};

struct PutItem {
    EnrolmentId device;
    Lane lane = Lane::normal;
    EnvelopeId id;
    Hash hash;  ///< envelope_hash of body and header
    UnixTime expires_at;
    std::string header;  ///< an encoded DeviceHeader
    BodyPointer body;
    EntryMarks marks;
    EntryState state = EntryState::fresh;  ///< fresh or aside
};

enum class PutOutcome : std::uint8_t {
    stored,     ///< durable
    duplicate,  ///< durable already, same bytes
    conflict,   ///< the id is taken by other bytes
    quota,      ///< the lane is full (never in the receipt lane, which drops its oldest)
    no_room,    ///< the disk is full; nothing was written
    unknown     ///< perhaps written: repeat with the same id
};
struct PutResult {
    PutOutcome outcome = PutOutcome::unknown;
    std::uint64_t sequence = 0;  ///< of stored and duplicate
};

struct EntryKey {
    EnrolmentId device;
    Lane lane = Lane::normal;
    EnvelopeId id;
    std::uint64_t sequence = 0;  ///< instead of the id, for an expired marker, which has none
};
/// What becomes of a stored entry that its device deferred or refused.
struct MarkItem {
    EntryKey entry;
    EntryMarks marks;
    bool move_aside = false;
    bool release = false;  ///< out of *aside*, at its old place: it is delivered again
};

struct ListedEntry {
    std::uint64_t sequence = 0;
    EnvelopeId id;
    Hash hash;
    UnixTime expires_at;
    EntryState state = EntryState::fresh;  ///< `expired`: header and body are empty
    EntryMarks marks;
    std::string header;
    BodyPointer body;
};
struct ListQuery {
    EnrolmentId device;
    Lane lane = Lane::normal;
    EntryState state = EntryState::fresh;
    std::uint64_t after = 0;  ///< sequence, exclusive
    std::size_t limit = limits::window_envelopes;
    std::size_t limit_bytes = limits::window_bytes;  ///< of bodies; one entry always fits
};
struct ListPage {
    std::vector<ListedEntry> entries;  ///< by sequence
    bool more = false;
};

struct LaneSummary {
    std::uint32_t waiting = 0;  ///< fresh, expired markers included
    std::uint32_t aside = 0;
    std::uint32_t aside_dropped = 0;  ///< since this process loaded the mailbox
    UnixTime oldest;                  ///< when the oldest waiting entry was stored; zero without one
};
struct MailboxSummary {
    std::array<LaneSummary, lane_count> lanes;
};

class MailboxStore {
public:
    virtual ~MailboxStore() = default;

    using SummaryDone = std::function<void(Result<MailboxSummary>)>;
    using PutDone = std::function<void(std::vector<PutResult>)>;
    using Done = std::function<void(Result<void>)>;
    using ListDone = std::function<void(Result<ListPage>)>;

    /// First touch: loads ids and quota by one scan. Later calls answer from memory.
    virtual void summarise(const EnrolmentId& device, Executor executor, SummaryDone done) = 0;
    /// One result per item, in their order. At most limits::put_slice items.
    virtual void put(std::vector<PutItem> items, Executor executor, PutDone done) = 0;
    /// Deletes. Not synced: it rides the next sync; what a crash brings back is delivered again. Unknown ids are
    /// ignored.
    virtual void ack(std::vector<EntryKey> entries, Executor executor, Done done) = 0;
    /// Keeps as held. `unsupported` until history is built.
    virtual void hold(std::vector<EntryKey> entries, Executor executor, Done done) = 0;
    /// Sets marks or moves aside; beyond the aside quota the oldest is dropped and counted. Synced. Unknown ids are
    /// ignored.
    virtual void mark(std::vector<MarkItem> items, Executor executor, Done done) = 0;
    /// Sees everything whose put or ack was answered before the call. Never returns a body that has expired.
    virtual void list(const ListQuery& query, Executor executor, ListDone done) = 0;
    /// Deletes the whole mailbox of a device that was replaced or removed. Synced.
    virtual void remove_device(const EnrolmentId& device, Executor executor, Done done) = 0;
    /// Everything that was called before is on stable storage when `done` runs.
    virtual void sync(Executor executor, Done done) = 0;
};

}  // namespace melder::server
