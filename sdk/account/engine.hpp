#pragma once
// The account on its lane: vault, decisions and link, put together. Every function but `snapshot` on the lane only.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "sdk/account/event_queue.hpp"
#include "sdk/account/lane.hpp"
#include "sdk/account/operation.hpp"
#include "sdk/account/outbox_logic.hpp"
#include "sdk/account/own_device.hpp"
#include "sdk/account/prekey_logic.hpp"
#include "sdk/account/received_envelope.hpp"
#include "sdk/account/repair_logic.hpp"
#include "sdk/account/sequence_logic.hpp"
#include "sdk/account/trust_rows.hpp"
#include "sdk/crypto/session_throttle.hpp"
#include "sdk/net/link_keeper.hpp"
#include "sdk/trust/trust_watch.hpp"
#include "sdk/vault/loss_rows.hpp"
#include "sdk/vault/receive_rows.hpp"
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
    void safety_number(OfficerId officer, OperationPtr<SafetyNumber> operation);
    [[nodiscard]] Diagnostics diagnostics() const;
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
    void fetch_own_devices();
    [[nodiscard]] Result<void> load_own_devices();
    /// This officer's other devices, as far as they are known and in service.
    [[nodiscard]] std::vector<Credential> own_others() const;
    // The safety number (engine_safety.cpp).
    void fetch_covered(const OfficerId& officer, std::function<void(Engine&, Result<std::vector<Credential>>)> then);
    [[nodiscard]] Result<std::vector<Credential>> judge_covered(const OfficerId& officer,
                                                                const Result<wire::Frame>& reply);
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
        std::optional<Message> message;   ///< to be numbered and written with the send commit
        SecretBuffer content;             ///< or content that was written before, or a ControlRequest
        std::optional<BodyType> control;  ///< which kind of request; then it is no Signal message
        std::optional<EnvelopeId> instead_of;
        std::optional<EnvelopeId> answers;  ///< the envelope it is sent again for
        std::vector<EnrolmentId> only;      ///< of the officer's devices; empty: all of them
        std::optional<Credential> device;   ///< or this one, out of an envelope of its own: nobody is asked for it
        bool fresh_session = false;         ///< though there is one: it is broken
        bool reports = true;
        std::function<Result<void>(VaultTransaction&)> also;  ///< staged with the send commit
        std::function<bool()> given_up;  ///< the app cancelled: nothing is written any more; empty: nobody can
        std::function<void(Result<void>)> done;
        bool refreshed = false;      ///< the head was asked for on its behalf
        std::uint32_t attempts = 0;  ///< that found no prekeys
        std::optional<BootTime> not_before;
    };
    void add_job(SendJob job);
    void prepare_next();
    void fetch_devices();
    void prepare_sessions(std::vector<Credential> devices);
    void take_bundles(std::vector<Credential> devices, const std::vector<EnrolmentId>& without_session);
    void on_bundles(std::vector<Credential> devices, const Result<wire::Frame>& reply);
    [[nodiscard]] bool is_own_copy(const SendJob& job, const Credential& device) const;
    [[nodiscard]] Result<void> use_bundles(VaultTransaction& transaction, std::vector<Credential>& devices,
                                           const wire::Bundles& bundles);
    [[nodiscard]] Result<void> write_message(VaultTransaction& transaction, SendJob& job);
    [[nodiscard]] Result<std::vector<OutboxUpload>> stage_uploads(VaultTransaction& transaction,
                                                                  const std::vector<Credential>& devices);
    void commit_job(VaultTransaction transaction, const std::vector<Credential>& devices);
    void end_job(Result<void> result);
    struct Outgoing {
        ContentId id;
        Lane lane = Lane::normal;
        UnixTime expires_at;
        bool reports = true;
        bool whole = false;     ///< the device is the only one of its officer: the relay checks that it is
        bool own_copy = false;  ///< for the sender's other device
        std::optional<BodyType> control;
        std::optional<EnvelopeId> answers;
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
    [[nodiscard]] Result<void> receive_content(VaultTransaction& transaction, const ReceivedEnvelope& envelope,
                                               const Credential& sender, const SealedBodyView& body, PendingRow row,
                                               const ContentView& content);
    [[nodiscard]] Result<void> present_loss(VaultTransaction& transaction, const ReceivedEnvelope& envelope,
                                            MessageLost loss);
    void finish_to_server(const EnvelopeKey& key);
    [[nodiscard]] Result<void> note_acknowledged(const EventQueue::Entry& entry);

    // Order and completeness of what arrives (engine_order.cpp).
    struct Arrived {
        decltype(Event::what) what;
        std::size_t bytes = 0;
        EnvelopeKey envelope;
        UnixTime expires;
        std::optional<Credential> receipt_to;
        ContentId content;
    };
    [[nodiscard]] Arrived describe_arrival(const ReceivedEnvelope& envelope, const Credential& sender,
                                           const SealedBodyView& body, const ContentFields& fields) const;
    [[nodiscard]] StreamKey stream_of(const Credential& sender, const ContentFields& fields, Lane lane) const;
    [[nodiscard]] bool is_held_back(const EnvelopeId& envelope) const;
    void follow(SequenceLogic::Output output);
    void handle_progress(const Credential& sender, const std::vector<Progress>& progress);
    [[nodiscard]] Result<std::vector<Progress>> progress_for(const VaultTransaction& transaction,
                                                             const Credential& to) const;
    void send_heartbeats();
    [[nodiscard]] Result<void> load_streams();

    // What can't be read, and what others can't (engine_repair.cpp).
    [[nodiscard]] Result<void> load_losses();
    [[nodiscard]] Result<void> ask_again(VaultTransaction& transaction, const ReceivedEnvelope& envelope,
                                         const Credential& sender, const std::optional<EnvelopeId>& answers, Errc why);
    [[nodiscard]] Result<void> resolve_loss(VaultTransaction& transaction, const EnrolmentId& peer,
                                            const std::optional<EnvelopeId>& answered);
    [[nodiscard]] Result<void> receive_control(const ReceivedEnvelope& envelope, const Credential& sender,
                                               const SealedBodyView& body);
    [[nodiscard]] Result<void> answer_resend(const ReceivedEnvelope& envelope, const Credential& sender,
                                             const ControlRequest& request);
    [[nodiscard]] Result<void> answer_session_repair(const ReceivedEnvelope& envelope, const Credential& sender);
    [[nodiscard]] Result<void> answer_lost(const ReceivedEnvelope& envelope, const Credential& sender,
                                           const ControlRequest& request);
    [[nodiscard]] Result<SendJob> resend_job(const VaultTransaction& transaction, const SendAgain& wanted,
                                             const Credential& to);
    void run_repair(const RepairLogic::Actions& actions);
    void start_session(const EnrolmentId& peer);
    void send_control(BodyType type, const Credential& to, const std::vector<EnvelopeId>& envelopes,
                      std::function<Result<void>(VaultTransaction&)> also, std::function<void(Result<void>)> done);
    void ask_for_what_is_missing();
    void forget_loss(const EnvelopeId& envelope);
    void report_lost(const EnvelopeId& envelope);
    [[nodiscard]] Result<std::optional<Credential>> find_peer(const VaultTransaction& transaction,
                                                              const EnrolmentId& device) const;
    [[nodiscard]] Result<void> finish_envelope(VaultTransaction& transaction, const EnvelopeKey& key, UnixTime expires);
    void acknowledge_to_server(const EnvelopeKey& key);
    void refuse(const EnvelopeKey& key, const Error& why);
    void defer(const EnvelopeKey& key);
    void retry_throttled();
    void send_received();
    void handle_receipt(const ReceiptContent& receipt, const EnrolmentId& by);
    void owe_receipt(const Credential& to, const ContentId& content);
    void send_receipts();
    [[nodiscard]] Result<void> send_receipt(const Credential& to, const std::vector<ContentId>& contents);
    [[nodiscard]] Result<void> send_unasked(VaultTransaction transaction, const Credential& to, ContentKind kind);
    /// While the log is being fetched up to what was stated; what cannot be fetched keeps nobody from reading.
    [[nodiscard]] bool log_is_behind() const { return refreshing_ && trust_->log_is_behind(); }

    void run_prekeys(const PrekeyLogic::Actions& actions);
    void on_digest(const wire::PrekeyDigest& digest);
    [[nodiscard]] Result<void> upload_prekeys(const MakePrekeys& wanted);

    void note_error(Errc code);
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
    std::vector<std::pair<EnvelopeKey, EnrolmentId>> throttled_;  ///< deferred on this connection; the quota bounds it
    BootTime retry_due_;
    OutboxLogic outbox_;
    std::map<ContentId, std::vector<EnvelopeId>> outbox_rows_;
    std::deque<SendJob> jobs_;
    std::vector<Credential> own_others_;
    SequenceLogic sequence_;
    std::map<SequenceLogic::Token, Arrived> arrived_;  ///< and held back until its turn; the window bounds it
    SequenceLogic::Token next_token_ = 1;
    std::optional<BootTime> heartbeats_due_;
    std::optional<RepairLogic> repair_;  ///< once this device has an id
    std::map<EnvelopeId, LossRow> losses_;
    std::set<EnvelopeId> asking_;          ///< losses whose request is being written
    std::set<EnvelopeId> answering_;       ///< requests of others whose answers are being written
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
    std::optional<Errc> connection_error_;
    std::deque<Errc> last_errors_;
    std::optional<std::uint32_t> server_prekeys_;  ///< as its last digest said
    bool closed_ = false;

    mutable std::mutex snapshot_mutex_;
    AccountState snapshot_;
};

[[nodiscard]] PeerDevice describe(const Credential& credential);

}  // namespace melder::sdk
