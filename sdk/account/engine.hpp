#pragma once
// The account on its lane: vault, decisions and link, put together. Every function but `snapshot` on the lane only.

#include <deque>
#include <memory>
#include <mutex>

#include "sdk/account/event_queue.hpp"
#include "sdk/account/lane.hpp"
#include "sdk/account/operation.hpp"
#include "sdk/account/own_device.hpp"
#include "sdk/account/prekey_logic.hpp"
#include "sdk/net/link_keeper.hpp"

namespace melder::sdk {

struct EnginePlaces {
    Lane& lane;
    const Clock& clock;
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
    void look_up(wire::LookUp query, OperationPtr<OfficerInfo> operation);
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

    void on_up(const client::ServerHello& hello, const wire::Welcome& welcome);
    void on_down(const Error& why, std::optional<Millis> retry_in);
    void on_frame(wire::Frame& frame);
    [[nodiscard]] Result<void> adopt_trust(const std::shared_ptr<const TrustList>& trust);

    void follow_log(std::uint64_t size);
    [[nodiscard]] Result<void> apply_log(const wire::LogPage& page);
    [[nodiscard]] Result<OfficerInfo> judge_devices(const wire::Devices& devices) const;

    void run_prekeys(const PrekeyLogic::Actions& actions);
    void on_digest(const wire::PrekeyDigest& digest);
    [[nodiscard]] Result<void> upload_prekeys(const MakePrekeys& wanted);

    void set_connection(ConnectionState state, std::optional<Error> reason, Millis retry_after);
    void raise(decltype(Event::what) what);
    void hand_out();
    void publish();
    void set_alarm();
    void on_alarm();

    EnginePlaces places_;
    AccountOptions options_;
    RootSet roots_;
    FilePlatformKeys platform_keys_;
    std::unique_ptr<Vault> vault_;
    std::optional<OwnDevice> device_;
    std::optional<Credential> credential_;
    std::shared_ptr<const TrustList> trust_;
    std::uint64_t lowest_trust_list_ = 0;
    StoreEpoch epoch_;
    OrderBook book_;
    std::optional<Statement> statement_;

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
