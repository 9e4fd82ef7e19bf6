#pragma once
// The directory at rest: trust list, order log, devices with their grants and bindings, officers, units, prekeys.
// Narrow, set-based, asynchronous, so that RocksDB in one process and PostgreSQL under many can both stand behind it
// (DESIGN §9).
//
// Threads: any. `done` runs once through the executor that came with the call, also on errors; a store's destructor
// waits until each has been handed over, so executors outlive stores. Every write is on stable storage before `done`.
// What holds a name is sealed by the caller. Errors other than those named: *outcome unknown*, read again, then repeat.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/credential.hpp"
#include "core/order_log.hpp"
#include "server/stores/executor.hpp"

namespace melder::server {

/// The number of the newest change; 0 before the first. Every commit raises it by one.
using Cursor = std::uint64_t;

/// The first binding of a device, which wins.
struct BoundRow {
    X25519Public identity_key;
    P256Public login_key;
    std::uint32_t registration_id = 0;
    UnixTime bound_at;
    Bytes binding;  ///< an encoded wire::SignedBinding
    Bytes date;     ///< an encoded wire::Signed (BindingDate)
};

/// A device: what the relay and the login need in plain (keys, times, opaque ids), the grant itself sealed.
struct DeviceRow {
    EnrolmentId device;
    Cursor revision = 0;  ///< the change that wrote it. In a commit: the one that was loaded; 0 = must not exist yet
    OfficerId officer;
    std::string app;
    Ed25519Public enrolment_key;
    UnixTime bind_before, not_before, not_after;
    std::uint32_t grant_version = 1;
    Hash first_grant;  ///< of the body of version 1
    DeviceStanding standing = DeviceStanding::active;
    std::optional<BoundRow> bound;
    Bytes sealed_grant;  ///< the newest version, signed; sealed under the directory key
    /// While `sealed_grant` came out of a supersede order: the version before it that did not; sealed likewise. Else
    /// empty.
    Bytes sealed_former_grant;
};
struct OfficerRow {
    OfficerId officer;
    Bytes sealed;  ///< in a commit empty: forget him
};
struct UnitRow {
    Hash key;      ///< keyed hash of the path: paths are names too
    Bytes sealed;  ///< in a commit empty: forget it
};
/// A service number's keyed hash and whose it is; no officer = forget it.
struct NumberRow {
    Hash key;
    std::optional<OfficerId> officer;
};
struct ReceiptRow {
    EnrolmentId device;
    Hash order;
    Bytes receipt;  ///< an encoded wire::OrderReceipt
};
struct LogAppend {
    std::uint64_t expected_size = 0;
    std::vector<Bytes> entries;  ///< encoded LogEntry
};

/// How many grants an administrator key signed within one minute.
struct SignerCount {
    KeyId key;
    std::int64_t minute = 0;  ///< since 1970
    std::uint32_t count = 0;
    friend bool operator==(const SignerCount&, const SignerCount&) = default;
};

/// What the help desk may know of a device's logins: the day of the newest one and what the device called itself. The
/// only trace of a device's use that rests anywhere (DESIGN §3).
struct LoginRow {
    EnrolmentId device;
    std::uint32_t day = 0;       ///< since 1970, UTC
    std::uint32_t protocol = 0;  ///< as it was agreed on at that login
    std::string client_version;  ///< as the device told; at most 64 bytes, printable ASCII
    friend bool operator==(const LoginRow&, const LoginRow&) = default;
};

/// Somebody proved that this store once knew more.
struct ProvenLoss {
    std::uint8_t kind = 0;  ///< keyserver::LossKind
    UnixTime met_at;
    std::uint64_t log_size = 0;  ///< of the log that is proven to have been
    friend bool operator==(const ProvenLoss&, const ProvenLoss&) = default;
};
/// What is known of a store that was put back from a backup.
struct RestoreRow {
    UnixTime declared_at;                 ///< the last start with --restored; 0: none yet
    std::uint64_t accepted_log_size = 0;  ///< a log of this size may be lost: an operator declared it after the proof
    std::optional<ProvenLoss> loss;       ///< proven, and not yet dealt with
    friend bool operator==(const RestoreRow&, const RestoreRow&) = default;
};

/// All or nothing.
struct DirectoryChange {
    std::vector<DeviceRow> devices;
    std::vector<OfficerRow> officers;
    std::vector<UnitRow> units;
    std::vector<NumberRow> numbers;
    std::vector<ReceiptRow> receipts;
    std::optional<LogAppend> log;
    std::optional<Bytes> trust_list;                        ///< an encoded wire::Signed
    std::optional<Bytes> key_check;                         ///< written once, by the first start
    std::optional<std::vector<SignerCount>> grants_signed;  ///< replaces what was there
    std::optional<RestoreRow> restore;
};

/// The small things that a start needs.
struct DirectoryHead {
    Cursor cursor = 0;
    std::uint64_t log_size = 0;
    Bytes trust_list;  ///< empty: none yet
    Bytes key_check;   ///< empty: a new store
    std::uint64_t officers = 0;
    std::vector<SignerCount> grants_signed;
    RestoreRow restore;
};

/// One step of the ordered change feed. Applying a batch twice is harmless.
struct FeedBatch {
    Cursor cursor = 0;
    std::vector<DeviceRow> devices;
    std::uint64_t log_from = 0;
    std::vector<Bytes> log_entries;  ///< beginning at index `log_from`
    std::optional<Bytes> trust_list;
    std::optional<Bytes> statement;  ///< the newest; also the feed's sign of life
    bool caught_up = false;          ///< everything up to the present was delivered
};

struct StoredSignedPrekey {
    std::uint32_t id = 0;
    ByteArray<33> public_key{};
    ByteArray<64> signature{};
    friend bool operator==(const StoredSignedPrekey&, const StoredSignedPrekey&) = default;
};
struct StoredPrekey {
    std::uint32_t id = 0;
    ByteArray<33> public_key{};
    friend bool operator==(const StoredPrekey&, const StoredPrekey&) = default;
};
struct PrekeyPut {
    EnrolmentId device;
    std::optional<StoredSignedPrekey> signed_prekey;
    std::vector<StoredPrekey> one_time;
    bool replace_all = false;
};
struct TakeItem {
    EnrolmentId device;
    bool one_time = true;  ///< false: the signed prekey alone
};
struct TakeResult {
    Errc code = Errc::no_prekeys;  ///< meaningful without `signed_prekey`
    std::optional<StoredSignedPrekey> signed_prekey;
    std::optional<StoredPrekey> one_time;
    std::uint32_t remaining = 0;
};
struct PrekeyStock {
    std::uint32_t signed_prekey_id = 0;  ///< 0: none of this epoch
    std::vector<StoredPrekey> one_time;  ///< by id
};

class DirectoryStore {
public:
    virtual ~DirectoryStore() = default;

    template <class T>
    using Done = std::function<void(Result<T>)>;

    /// Part of every statement; prekeys of another epoch are never handed out.
    [[nodiscard]] virtual StoreEpoch epoch() const = 0;

    virtual void load_head(Executor executor, Done<DirectoryHead> done) = 0;
    /// `out_of_order` if a revision or the log's size is not the expected one: load again and decide again. Changes
    /// nothing then. `storage_full`: nothing was written.
    virtual void commit(DirectoryChange change, Executor executor, Done<Cursor> done) = 0;

    /// One entry per id, in their order.
    virtual void load_devices(std::vector<EnrolmentId> ids, Executor executor,
                              Done<std::vector<std::optional<DeviceRow>>> done) = 0;
    /// By enrolment id, beginning after `after`; of one officer if given. At most `limit`.
    virtual void list_devices(std::optional<EnrolmentId> after, std::optional<OfficerId> officer, std::size_t limit,
                              Executor executor, Done<std::vector<DeviceRow>> done) = 0;
    virtual void list_officers(std::optional<OfficerId> after, std::size_t limit, Executor executor,
                               Done<std::vector<OfficerRow>> done) = 0;
    virtual void list_units(std::size_t limit, Executor executor, Done<std::vector<UnitRow>> done) = 0;
    virtual void find_officer(Hash number_key, Executor executor, Done<std::optional<OfficerId>> done) = 0;
    virtual void load_log(std::uint64_t from, std::size_t limit, Executor executor, Done<std::vector<Bytes>> done) = 0;
    virtual void load_receipt(EnrolmentId device, Hash order, Executor executor, Done<std::optional<Bytes>> done) = 0;

    /// Written only where it differs from what is there and is not older; no change of the feed.
    virtual void note_logins(std::vector<LoginRow> rows, Executor executor, Done<void> done) = 0;
    virtual void load_login(EnrolmentId device, Executor executor, Done<std::optional<LoginRow>> done) = 0;

    /// `prekey_conflict`: an id was used before for another key, or lies so far below the newest that this is no longer
    /// known. The same key again is no error, and a key that was taken never comes back. Answers the stock's size.
    virtual void put_prekeys(PrekeyPut put, Executor executor, Done<std::uint32_t> done) = 0;
    /// One result per item. A one-time prekey is gone, synced, before `done`; with fewer than `reserve` none is given.
    virtual void take_prekeys(std::vector<TakeItem> items, std::uint32_t reserve, Executor executor,
                              Done<std::vector<TakeResult>> done) = 0;
    virtual void load_prekeys(EnrolmentId device, Executor executor, Done<PrekeyStock> done) = 0;
    /// Of devices that were revoked or replaced.
    virtual void remove_prekeys(std::vector<EnrolmentId> devices, Executor executor, Done<void> done) = 0;

    using FeedHandler = std::function<void(std::shared_ptr<const FeedBatch>)>;
    /// Everything that changed after `cursor` (0: everything), then every change as it becomes durable, in order. Ends
    /// when the returned token dies; a batch already on its way may still come.
    [[nodiscard]] virtual std::shared_ptr<void> watch(Cursor cursor, Executor executor, FeedHandler handler) = 0;
    /// To all watchers; kept in memory only.
    virtual void publish_statement(Bytes statement) = 0;
};

}  // namespace melder::server
