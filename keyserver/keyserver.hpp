#pragma once
// The keyserver: who belongs to the force, which devices speak for whom, and the prekeys to begin with. It certifies
// nobody: what it hands out was signed elsewhere, except freshness.
//
// Threads: every call here may block on the store. Writes (`put_…`, `enrol`, `tick`) come from one lane, one after the
// other; the others from any thread that may block. KeyserverCore brings requests of sessions here, KeyserverAuthority
// the link's questions. How a main builds it:
//
//     auto key = DirectoryKey::load(config.directory_key_file);
//     DirectoryView view(clock);
//     auto keyserver = Keyserver::open(std::move(keyserver_config), store, view, clock, random, log);   // replays,
//     checks auto feed = view.follow(store, executor); WorkLane writes(1, limits::statement_interval, [&] {
//     keyserver->tick(); }); WorkLane reads(4); KeyserverLanes lanes{writes.executor(), reads.executor()};
//     KeyserverAuthority authority(*keyserver, view, lanes, clock, {SERVICE_RELAY, SERVICE_KEYSERVER});
//     KeyserverCore core_i(*keyserver, lanes, [&](auto work) { loops.post_to(i, std::move(work)); });   // per event
//     loop
//
// `executor` of the view's feed must be one thread of its own or inline ([](auto work) { work(); }).

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "core/credential.hpp"
#include "core/order_log.hpp"
#include "keyserver/admission_logic.hpp"
#include "keyserver/directory_key.hpp"
#include "keyserver/directory_names.hpp"
#include "keyserver/enrolment_tries.hpp"
#include "keyserver/import_stage.hpp"
#include "keyserver/login_book.hpp"
#include "keyserver/order_log_copy.hpp"
#include "keyserver/restore_logic.hpp"
#include "keyserver/search_limiter.hpp"
#include "keyserver/signer_window.hpp"
#include "keyserver/take_limiter.hpp"
#include "proto/link.pb.h"
#include "server/directory_view.hpp"
#include "server/link/session.hpp"
#include "server/log.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

struct KeyserverConfig {
    RootSet roots;
    std::optional<SignedBytes> trust_list;  ///< the file beside the configuration; taken over when it is newer
    Ed25519Seed statement_seed;
    DirectoryKey directory_key;
    std::string order_log_copy_file;  ///< the order log's second place
    bool restored = false;            ///< this start took over a restored store: the second place may know more
    std::string server_version;
    TakeLimits take_limits{};
};

class Keyserver {
public:
    /// `wrong_directory_key`, `store_epoch_mismatch` (the second place holds entries that the store lacks, and this is
    /// no declared restore), `log_fork` (the two contradict each other), `log_invalid`, `clock_skew` (the time lies
    /// before what list and log are dated), `trust_list_…`, `config_invalid`, or what the store says. References
    /// outlive the keyserver.
    [[nodiscard]] static Result<std::unique_ptr<Keyserver>> open(KeyserverConfig config, server::DirectoryStore& store,
                                                                 const server::DirectoryView& view, const Clock& clock,
                                                                 Random& random, server::Log& log);
    Keyserver(const Keyserver&) = delete;
    Keyserver& operator=(const Keyserver&) = delete;

    // ---- from memory, any thread ----
    [[nodiscard]] std::shared_ptr<const TrustList> trust() const;
    /// The newest over no nonce.
    [[nodiscard]] SignedBytes newest_statement() const;
    [[nodiscard]] StoreEpoch epoch() const { return store_.epoch(); }
    /// Started with --restored, or a loss is proven: what Welcome, Status and health say.
    [[nodiscard]] bool restored() const noexcept { return config_.restored || lossy_.load(); }
    /// False while a loss is proven that no operator has dealt with.
    [[nodiscard]] bool hands_out_prekeys() const noexcept { return !lossy_.load(); }
    /// As the order log has it, known to the store or not.
    [[nodiscard]] DeviceStanding standing(const EnrolmentId& device) const;
    /// One-time prekeys of a device, since this process first heard of them.
    [[nodiscard]] std::optional<std::uint32_t> prekey_level(const EnrolmentId& device) const;
    /// Takes note of what a device proves that has logged in: a statement of ours that this store has forgotten ends
    /// the handing out of prekeys at once; `writes` gets the work of writing that down.
    void judge_login(const wire::LoginBody& login, const std::function<void(std::function<void()>)>& writes);

    /// A device was let in: for the help desk. In the store after the next `tick`.
    void note_login(const server::Peer& device) { logins_.note(device, clock_.wall()); }
    /// Somebody who knows a code's id did not sign with its key: a wrong second part, most often.
    void note_refused_enrolment(BytesView enrol_body, Errc why);
    /// Statements and dates of bindings are signed by this key from now on. `config_invalid` if the trust list in force
    /// does not name it.
    [[nodiscard]] Result<void> use_statement_key(Ed25519Seed seed);
    /// The public half of the one that signs now.
    [[nodiscard]] Ed25519Public statement_key() const;

    // ---- the lane for writes ----
    /// Signs a new statement and sends it through the feed; writes down the logins since the last one.
    void tick();
    [[nodiscard]] Result<wire::Enrolled> enrol(BytesView enrol_body);
    /// A device that this store does not know, or knows unbound, shows its credential: it is entered as the order log
    /// has it, a revoked one as revoked. `already_bound` (to other keys), or what the credential fails by. The view
    /// shows the device when this returns.
    [[nodiscard]] Result<void> admit(const wire::Credential& presented);
    /// All or nothing: a result per grant; nothing was stored unless all are 0.
    [[nodiscard]] Result<wire::GrantsReply> put_grants(const server::Peer& peer, const wire::PutGrants& request);
    /// All or nothing. In the log and in its second place when it returns.
    [[nodiscard]] Result<void> put_orders(const server::Peer& peer, const wire::PutOrders& request);
    [[nodiscard]] Result<void> put_directory(const server::Peer& peer, const wire::PutDirectory& request);
    /// Judges one part of an import and keeps it in memory; its documents as `put_orders` and `put_grants` would judge
    /// them now. `quota_exceeded` beyond limits::import_…; after an error what was staged is gone.
    [[nodiscard]] Result<void> stage_directory(const server::Peer& peer, const wire::StageDirectory& request);
    /// All parts in one commit of the store, or nothing: `out_of_order` if parts are missing (a restart, another
    /// import), units or officers changed since the version that the import was planned against, or the trust list
    /// since it was staged. Ceilings are judged here, and again what changed meanwhile. Orders are in the log's second
    /// place when it returns.
    [[nodiscard]] Result<wire::DirectoryCommitted> commit_directory(const server::Peer& peer,
                                                                    const wire::CommitDirectory& request);
    [[nodiscard]] Result<void> put_trust_list(const SignedBytes& document);
    [[nodiscard]] Result<void> upload_receipt(const server::Peer& peer, const wire::UploadReceipt& request);

    // ---- any thread that may block ----
    [[nodiscard]] Result<wire::LogPage> fetch_log(const wire::FetchLog& request) const;
    [[nodiscard]] Result<wire::StatementReply> fetch_statement(const wire::FetchStatement& request) const;
    [[nodiscard]] Result<wire::OwnGrant> fetch_own_grant(const server::Peer& peer) const;
    /// The newest version of a device's grant, bound or not, for whoever may sign the next one: else `missing_right`.
    [[nodiscard]] Result<wire::GrantReply> fetch_grant(const server::Peer& peer, const wire::FetchGrant& request) const;
    [[nodiscard]] Result<wire::Devices> look_up(const server::Peer& peer, const wire::LookUp& request) const;
    /// One page of officers who have an active device of the asking device's app, each with the credential of one such
    /// device. `busy` with a wait (SearchLimiter), `bad_argument`, `out_of_order` (DirectorySearch).
    [[nodiscard]] Result<wire::OfficersFound> search_officers(const server::Peer& peer,
                                                              const wire::SearchOfficers& request);
    [[nodiscard]] Result<wire::DeviceList> list_devices(const wire::ListDevices& request) const;
    /// The device and its prekeys; what the relay knows is added by whoever asks (see KeyserverCore).
    [[nodiscard]] Result<wire::DeviceStatus> show_device(const wire::ShowDevice& request) const;
    [[nodiscard]] Result<wire::OfficerList> find_officers(const wire::FindOfficers& request) const;
    [[nodiscard]] Result<wire::UnitList> list_units(const wire::ListUnits& request = {}) const;
    [[nodiscard]] Result<wire::OrderState> fetch_order_state(const wire::FetchOrderState& request) const;
    /// With grants for whoever may sign the next one: else `missing_right`. Fewer than asked for if they do not fit.
    [[nodiscard]] Result<wire::OrderStates> fetch_order_states(const server::Peer& peer,
                                                               const wire::FetchOrderStates& request) const;
    [[nodiscard]] Result<wire::StatusReply> status() const;

    [[nodiscard]] Result<void> upload_prekeys(const server::Peer& peer, const wire::UploadPrekeys& request);
    /// Pages of at most 100 results; all but the last have `more`.
    [[nodiscard]] Result<std::vector<wire::Bundles>> take_bundles(const server::Peer& peer,
                                                                  const wire::TakeBundles& request);
    [[nodiscard]] Result<wire::PrekeyDigest> check_prekeys(const server::Peer& peer) const;

    /// Called on the thread of a take that leaves a device with few prekeys. Set before requests come.
    std::function<void(const EnrolmentId& device, std::uint32_t one_time_count)> on_prekeys_low;
    /// Called on the lane for writes once another trust list is in force. Set before requests come.
    std::function<void()> on_trust_list;

private:
    Keyserver(KeyserverConfig config, server::DirectoryStore& store, const server::DirectoryView& view,
              const Clock& clock, Random& random, server::Log& log);
    struct LogDraft;

    [[nodiscard]] Result<void> start();
    [[nodiscard]] Result<void> check_directory_key(const server::DirectoryHead& head);
    /// Extends the book with the store's entries up to `size`; answers how many mean nothing (their signer is
    /// distrusted). An error names the entry that cannot be read under this list.
    [[nodiscard]] Result<std::uint64_t> read_log(OrderBook& book, std::uint64_t size, const TrustList& trust) const;
    [[nodiscard]] Result<void> compare_with_copy();
    [[nodiscard]] Result<void> replay(const std::vector<Bytes>& missing);
    [[nodiscard]] Result<void> declare_restore();
    void suspend_prekeys(LossKind kind);
    void keep_loss(LossKind kind, std::uint64_t log_size);
    [[nodiscard]] Result<void> shown_in_view() const;
    /// Orders of the last hour, out of the log; the time of its newest entry.
    [[nodiscard]] Result<UnixTime> count_recent_orders();
    [[nodiscard]] Result<void> check_clock(UnixTime newest_entry) const;

    [[nodiscard]] Result<server::DeviceRow> load_device(const EnrolmentId& device) const;
    /// One per id, in their order.
    [[nodiscard]] Result<std::vector<std::optional<server::DeviceRow>>> load_devices(
        const std::vector<EnrolmentId>& devices) const;
    [[nodiscard]] Result<SignedBytes> open_grant(const server::DeviceRow& row) const;
    [[nodiscard]] Bytes seal_grant(const EnrolmentId& device, const SignedBytes& document) const;
    [[nodiscard]] Result<wire::Credential> credential_of(const server::DeviceRow& row) const;
    [[nodiscard]] Result<wire::DeviceEntry> entry_of(const server::DeviceRow& row, UnixTime now) const;
    [[nodiscard]] Result<OfficerId> resolve(const wire::LookUp& request) const;
    [[nodiscard]] Result<std::pair<server::DeviceRow, std::optional<server::NumberRow>>> judge_one(
        const SignedBytes& document, const TrustList& trust, const SignerWindow& window,
        Result<server::DeviceRow> present);

    /// Adds an entry to a draft of the log; `draft.devices` receive the standings that follow from it.
    [[nodiscard]] Result<void> draft_entry(LogDraft& draft, const wire::LogEntry& entry, const TrustList& trust);
    [[nodiscard]] Result<void> draft_consequences(LogDraft& draft, const wire::LogEntry& entry, const TrustList& trust);
    [[nodiscard]] Result<server::DeviceRow*> draft_device(LogDraft& draft, const EnrolmentId& device);
    [[nodiscard]] Result<void> judge_again(LogDraft& draft, const TrustList& trust);
    /// After `judge_again`: which version of each device's grant is in force under this list. A version whose order no
    /// longer counts gives way to the one before it; a device without any is outside its validity.
    [[nodiscard]] Result<void> judge_grants_again(LogDraft& draft, const TrustList& trust) const;
    [[nodiscard]] Result<bool> choose_grant(server::DeviceRow& row, const OrderBook& before, const OrderBook& now,
                                            const TrustList& trust) const;
    void set_grant(server::DeviceRow& row, const Grant& grant, const SignedBytes& document) const;
    /// `after_loss`: versions in between may be unknown here.
    [[nodiscard]] Result<void> supersede(server::DeviceRow& row, const SignedBytes& document, const TrustList& trust,
                                         bool after_loss);
    /// Grant and binding out of a verified credential into a row that is new or unbound.
    [[nodiscard]] Result<void> fill_row(server::DeviceRow& row, const wire::Credential& presented,
                                        const Credential& credential) const;
    [[nodiscard]] Result<void> draft_presented(LogDraft& draft, const wire::Credential& presented,
                                               const Credential& credential, const TrustList& trust);
    [[nodiscard]] Result<void> draft_order(LogDraft& draft, const SignedBytes& document, const TrustList& trust);
    [[nodiscard]] Result<void> carry_out(const CheckedOrder& order, server::DeviceRow& row, const TrustList& trust);
    /// Orders and grants of an import: judged when they come, entered with its commit.
    [[nodiscard]] Result<void> stage_documents(ImportStage::Import& import, const wire::StageDirectory& request);
    [[nodiscard]] Result<ImportStage::Document> judge_staged(bool is_order, const SignedBytes& document,
                                                             const TrustList& trust, Result<server::DeviceRow> present);
    /// Those whose devices changed since they were staged.
    [[nodiscard]] Result<void> judge_stale(ImportStage::Import& import);
    [[nodiscard]] Result<wire::DirectoryCommitted> commit_import(ImportStage::Import import);
    /// Store, second place, memory, statement; in this order.
    [[nodiscard]] Result<void> commit(LogDraft draft);
    [[nodiscard]] Result<void> draft_names(server::DirectoryChange& change, const wire::StageDirectory& request) const;
    [[nodiscard]] Result<void> draft_unit(server::DirectoryChange& change, const wire::Unit& unit) const;
    [[nodiscard]] Result<void> draft_officer(server::DirectoryChange& change, const wire::Officer& officer) const;
    Result<server::Cursor> commit_change(server::DirectoryChange change);
    void note_prekey_level(const EnrolmentId& device, std::uint32_t one_time_count) const;
    /// A commit of officers and units, and then the search over them.
    [[nodiscard]] Result<void> commit_names(server::DirectoryChange change);
    [[nodiscard]] SignedBytes sign_now(std::optional<ByteArray<16>> nonce) const;
    void write_logins();
    [[nodiscard]] static bool names(const TrustList& list, const Ed25519Public& statement_key);

    KeyserverConfig config_;
    server::DirectoryStore& store_;
    const server::DirectoryView& view_;
    const Clock& clock_;
    Random& random_;
    server::Log& log_;
    std::optional<OrderLogCopy> copy_;
    bool trust_stored_ = false;  ///< false only while the first start takes over the first list
    SignerWindow grants_signed_, orders_signed_;
    ImportStage imports_;                           ///< the lane for writes only
    std::atomic<std::uint64_t> directory_version_;  ///< random at the start, so that none is met again after it

    mutable std::shared_mutex mutex_;  ///< of what follows; written on the lane for writes only
    std::shared_ptr<const TrustList> trust_;
    OrderBook book_;
    SignedBytes statement_;
    Ed25519Seed statement_seed_;   ///< signs it; from any thread
    std::vector<Bytes> copy_lag_;  ///< in the store, not yet in the second place
    server::RestoreRow restore_;
    std::atomic<bool> lossy_ = false;  ///< restore_.loss, or about to be
    server::Cursor last_change_ = 0;   ///< of this process; the lane for writes only

    mutable std::mutex levels_mutex_;
    mutable std::unordered_map<EnrolmentId, std::uint32_t> levels_;  ///< devices of the store only

    LoginBook logins_{limits::presence_devices};
    EnrolmentTries tries_{limits::presence_devices};

    DirectoryNames names_;
    std::mutex search_limiter_mutex_;
    SearchLimiter search_limiter_;

    std::mutex limiter_mutex_;
    TakeLimiter limiter_;
};

}  // namespace melder::keyserver
