#pragma once
// The account on its lane: vault, decisions and link, put together. Every function but `snapshot` on the lane only.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "sdk/account/event_queue.hpp"
#include "sdk/account/lane.hpp"
#include "sdk/account/operation.hpp"
#include "sdk/account/outbox_logic.hpp"
#include "sdk/account/own_device.hpp"
#include "sdk/account/prekey_logic.hpp"
#include "sdk/account/received_envelope.hpp"
#include "sdk/account/trust_rows.hpp"
#include "sdk/crypto/session_throttle.hpp"
#include "sdk/net/link_keeper.hpp"
#include "sdk/trust/trust_watch.hpp"
#include "sdk/vault/session_rows.hpp"

namespace melder::sdk {

struct EnginePlaces {
    WorkLane& lane;
    const Clock& clock;  ///< its boot clock alone is read
    Random& random;
};

class Engine : public std::enable_shared_from_this<Engine> {
public:
    Engine(EnginePlaces places, AccountOptions options, RootSet roots);
    ~Engine();

    /// Opens the vault, if there is one, and reads who this device is and what it believed last. Before anything else;
    /// may be called off the lane while the lane has no work.
    [[nodiscard]] Result<void> load();
    /// Starts the network thread. Once, before the functions below.
    void open_link();
    [[nodiscard]] AccountState snapshot() const;  ///< any thread

    void enrol(const Enrolment& enrolment, OperationPtr<PeerDevice> operation);
    void connect();
    void disconnect();
    void next_event(OperationPtr<Event> operation);
    void restart_events();
    void acknowledge(EventId event, OperationPtr<void> operation);
    void send(Message message, OperationPtr<ContentId> operation);
    void look_up(wire::LookUp query, OperationPtr<OfficerInfo> operation);
    void search(SearchQuery query, OperationPtr<OfficersPage> operation);
    void close();

    static std::filesystem::path vault_file(const AccountOptions& options) {
        return options.vault_directory / "vault.db";
    }
    static std::filesystem::path key_file(const AccountOptions& options) {
        return options.vault_directory / "device-key";
    }

private:
    [[nodiscard]] Result<LoginFacts> login_facts() const;
    [[nodiscard]] client::ServerTrust server_trust() const;
    [[nodiscard]] Result<void> open_vault(bool create);
    [[nodiscard]] Result<void> make_keys(const EnrolmentId& device, const Ed25519Seed& seed);
    [[nodiscard]] Result<PeerDevice> finish_enrolment(LinkKeeper::Enrolled answer);
    [[nodiscard]] Error judge_refusal(const Error& why, bool asked_before);

    void on_up(const client::ServerHello& hello, const wire::Welcome& welcome);
    void on_down(const Error& why, std::optional<Millis> retry_in);
    void on_frame(wire::Frame& frame);

    // Time, trust list, order log, freshness (engine_trust.cpp).
    struct Question {
        ByteArray<16> nonce{};
        BootTime at;
    };
    [[nodiscard]] const TrustList& trust_list() const { return trust_->list(); }
    [[nodiscard]] const OrderBook& book() const { return trust_->book(); }
    void believe(TrustState trust);
    [[nodiscard]] Result<void> adopt_list(const TrustList& list);
    /// An error changes nothing but the evidence of a fork; a clock that steps too far locks (`locked`).
    [[nodiscard]] Result<void> take_statement(const SignedBytes& document, const std::optional<Question>& answered);
    /// Out of an authenticated body: at most something to ask the server about, never a reason to refuse the message.
    [[nodiscard]] Result<void> take_peer_statement(BytesView encoded);
    [[nodiscard]] Result<void> keep_trust(TrustRows rows, Sync sync);
    /// Statement over a fresh nonce, then the list and the log that it names. `then` runs when that is over, however.
    void refresh(std::function<void()> then = {});
    void ask(wire::Frame frame, std::function<void(Engine&, Result<wire::Frame>)> then);
    void on_answer(const Question& question, const Result<wire::Frame>& reply);
    void fetch_list(std::function<void(Engine&)> then);
    void fetch_log();
    void on_log_page(const Result<wire::Frame>& reply);
    void end_refresh();
    void abandon_refresh();
    [[nodiscard]] Result<HeadJudgement> judge_sealing(Lane lane) const;
    /// True: the first job waits for a confirmation and is prepared again after it.
    [[nodiscard]] bool refresh_before_sealing();
    void announce_restricted();
    void look_at_trust();
    [[nodiscard]] BootTime next_question() const;
    void drop_gone_devices();
    void expire();
    void lock_out();
    /// The officer's active devices out of a server's answer, each verified; an error if it names somebody else's.
    [[nodiscard]] Result<std::vector<Credential>> judge_devices(const wire::Devices& devices);
    // Searching (engine_search.cpp).
    struct FoundPage;
    void judge_found(const std::shared_ptr<FoundPage>& page, const OperationPtr<OfficersPage>& operation);
    [[nodiscard]] Result<void> judge_one_found(const wire::Credential& encoded, OfficersPage& page);
    void fetch_own_grant();
    [[nodiscard]] Result<void> renew(const wire::Credential& offered);
    /// Somebody else's keys under this device's id: it stops and reports, for good.
    Error find_other_binding(const Credential& other);

    // Sending (engine_send.cpp). Jobs are prepared one after the other, so that no message overtakes an earlier one
    // while devices or bundles are being fetched.
    struct SendJob {
        ContentId id;
        OfficerId to;
        Lane lane = Lane::normal;
        UnixTime expires_at;
        std::optional<Message> message;  ///< to be numbered and written with the send commit
        SecretBuffer content;            ///< or content that was written before and is encrypted again
        std::optional<EnvelopeId> instead_of;
        std::vector<EnrolmentId> only;   ///< of the officer's devices; empty: all of them
        std::function<bool()> given_up;  ///< the app cancelled: nothing is written any more; empty: nobody can
        std::function<void(Result<void>)> done;
        bool refreshed = false;  ///< the head was asked for on its behalf
    };
    void add_job(SendJob job);
    void prepare_next();
    void fetch_devices();
    void prepare_sessions(std::vector<Credential> devices);
    void take_bundles(std::vector<Credential> devices, const std::vector<EnrolmentId>& without_session);
    [[nodiscard]] Result<void> use_bundles(VaultTransaction& transaction, std::vector<Credential>& devices,
                                           const wire::Bundles& bundles);
    [[nodiscard]] Result<std::vector<OutboxUpload>> stage_uploads(VaultTransaction& transaction,
                                                                  const std::vector<Credential>& devices);
    void commit_job(VaultTransaction transaction, const std::vector<Credential>& devices);
    void end_job(Result<void> result);
    struct Outgoing {
        ContentId id;
        Lane lane = Lane::normal;
        UnixTime expires_at;
        bool reports = true;
        bool whole = false;  ///< the device is the only one of its officer: the relay checks that it is
    };
    /// The session's next state and the exact sealed bytes, staged: commit durably before anything of it is sent.
    [[nodiscard]] Result<OutboxUpload> stage_upload(VaultTransaction& transaction, const Outgoing& what,
                                                    const Credential& to, BytesView content);

    // What becomes of it (engine_outbox.cpp).
    [[nodiscard]] Result<void> load_outbox();
    void run_outbox(const OutboxLogic::Actions& actions);
    void submit(const EnvelopeId& envelope);
    void on_submit_reply(const EnvelopeId& envelope, const Result<wire::Frame>& reply);
    void encrypt_again(const Reencrypt& wanted);

    // Receiving (engine_receive.cpp).
    void on_deliver(const wire::Deliver& deliver);
    void on_delivery(const wire::Delivery& delivery);
    [[nodiscard]] Result<void> receive(const ReceivedEnvelope& envelope);
    [[nodiscard]] Result<void> receive_again(const ReceivedEnvelope& envelope, const PendingRow& row);
    [[nodiscard]] Result<void> receive_first(const ReceivedEnvelope& envelope);
    [[nodiscard]] Result<void> judge_sender(const Credential& sender, UnixTime sent_at) const;
    void present(const ReceivedEnvelope& envelope, const Credential& sender, const SealedBodyView& body,
                 ContentView content);
    [[nodiscard]] Result<void> present_loss(VaultTransaction& transaction, const ReceivedEnvelope& envelope,
                                            MessageLost loss);
    [[nodiscard]] Result<void> finish_envelope(VaultTransaction& transaction, const EnvelopeKey& key, UnixTime expires);
    void acknowledge_to_server(const EnvelopeKey& key);
    void refuse(const EnvelopeKey& key, const Error& why);
    void send_received();
    void handle_receipt(const ReceiptContent& receipt, const EnrolmentId& by);
    void owe_receipt(const Credential& to, const ContentId& content);
    void send_receipts();
    [[nodiscard]] Result<void> send_receipt(const Credential& to, const std::vector<ContentId>& contents);
    /// While the log is being fetched up to what was stated; what cannot be fetched keeps nobody from reading.
    [[nodiscard]] bool log_is_behind() const { return refreshing_ && trust_->log_is_behind(); }

    void run_prekeys(const PrekeyLogic::Actions& actions);
    void on_digest(const wire::PrekeyDigest& digest);
    [[nodiscard]] Result<void> upload_prekeys(const MakePrekeys& wanted);

    void set_connection(ConnectionState state, std::optional<Error> reason, Millis retry_after);
    void raise(decltype(Event::what) what);
    void hand_out();
    void publish();
    void set_alarm();
    void on_alarm();

    AccountClock clock_;   ///< what places_.clock is
    EnginePlaces places_;  ///< its clock is the guarded one: the phone's wall clock is out of reach here
    AccountOptions options_;
    RootSet roots_;
    FilePlatformKeys platform_keys_;
    std::unique_ptr<Vault> vault_;
    std::optional<OwnDevice> device_;
    std::optional<Credential> credential_;
    std::optional<TrustState> trust_;  ///< from the first contact on
    TrustWatch watch_;
    StoreEpoch epoch_;
    Bytes statement_document_;    ///< the newest, encoded: what every sealed body carries
    bool trust_changed_ = false;  ///< and not in the vault yet
    bool refreshing_ = false;
    bool list_fetched_ = false;  ///< in this refresh
    std::uint64_t refresh_round_ = 0;
    std::vector<std::function<void()>> after_refresh_;
    std::uint32_t own_grant_version_ = 0;  ///< that the connected server holds
    std::optional<Errc> log_failure_;      ///< of the last refresh
    BootTime sweep_due_;
    bool locked_ = false;         ///< by the clock; until the account is opened again
    bool other_binding_ = false;  ///< this device's id was bound to other keys too

    VaultSessionStore session_store_;
    SessionLayer sessions_;
    SessionThrottle throttle_;
    OutboxLogic outbox_;
    std::map<ContentId, std::vector<EnvelopeId>> outbox_rows_;
    std::deque<SendJob> jobs_;
    std::deque<wire::Delivery> unjudged_;  ///< until the log is as new as the server's statement; the window bounds it
    struct OwedReceipts {
        Credential to;
        std::vector<ContentId> contents;
    };
    std::map<EnrolmentId, OwedReceipts> owed_receipts_;
    std::optional<BootTime> receipts_due_;

    PrekeyLogic prekeys_;
    EventQueue events_;
    OperationPtr<Event> reader_;
    std::unique_ptr<LinkKeeper> link_;
    ConnectionState connection_ = ConnectionState::offline;
    bool enrolling_ = false;
    bool closed_ = false;

    mutable std::mutex snapshot_mutex_;
    AccountState snapshot_;
};

[[nodiscard]] PeerDevice describe(const Credential& credential);

}  // namespace melder::sdk
