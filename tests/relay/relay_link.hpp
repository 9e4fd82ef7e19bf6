#pragma once
// A relay behind the real link: LinkServer, two event loops, phones that speak hand-made frames over real sockets.

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>

#include <gtest/gtest.h>

#include "relay/relay.hpp"
#include "server/link/link_server.hpp"
#include "server/stores/memory/mailbox_store.hpp"
#include "tests/server/link_test_client.hpp"

namespace melder::relay::test {

/// The system's time plus what the test added.
class ShiftedClock final : public Clock {
public:
    [[nodiscard]] UnixTime wall() const override { return system_clock().wall() + shift(); }
    [[nodiscard]] BootTime boot() const override { return system_clock().boot() + shift(); }
    void advance(Millis by) { shift_ms_ += by.count(); }

private:
    [[nodiscard]] Millis shift() const { return Millis(shift_ms_.load()); }
    std::atomic<std::int64_t> shift_ms_ = 0;
};

/// The in-memory store, with puts that wait or fail when the test says so.
class SlowStore final : public server::MailboxStore {
public:
    explicit SlowStore(const Clock& clock) : store_(clock) {}
    void hold_puts() { holds_ = true; }
    void release_puts();
    void fail_puts(std::optional<server::PutOutcome> outcome);

    void summarise(const EnrolmentId& device, server::Executor executor, SummaryDone done) override {
        store_.summarise(device, std::move(executor), std::move(done));
    }
    void put(std::vector<server::PutItem> items, server::Executor executor, PutDone done) override;
    void ack(std::vector<server::EntryKey> entries, server::Executor executor, Done done) override {
        store_.ack(std::move(entries), std::move(executor), std::move(done));
    }
    void hold(std::vector<server::EntryKey> entries, server::Executor executor, Done done) override {
        store_.hold(std::move(entries), std::move(executor), std::move(done));
    }
    void mark(std::vector<server::MarkItem> items, server::Executor executor, Done done) override {
        store_.mark(std::move(items), std::move(executor), std::move(done));
    }
    void list(const server::ListQuery& query, server::Executor executor, ListDone done) override {
        store_.list(query, std::move(executor), std::move(done));
    }
    void remove_device(const EnrolmentId& device, server::Executor executor, Done done) override {
        store_.remove_device(device, std::move(executor), std::move(done));
    }
    void sync(server::Executor executor, Done done) override { store_.sync(std::move(executor), std::move(done)); }

private:
    server::MemoryMailboxStore store_;
    std::atomic<bool> holds_ = false;
    std::mutex mutex_;
    std::optional<server::PutOutcome> failure_;
    std::vector<std::function<void()>> held_;
};

struct Phone {
    EnrolmentId id;
    OfficerId officer;
    P256KeyPair key;
};

/// Who may log in, and who belongs to whom. Thread-safe.
class Force final : public server::LoginAuthority, public DeviceView {
public:
    /// A device of that home core (of two); a new officer unless one is given.
    Phone add(std::size_t core, std::optional<OfficerId> officer = {});
    void revoke(const Phone& phone);

    std::string hello(const ByteArray<32>& nonce) override;
    Result<DeviceLogin> find_device(BytesView login_body) override;
    Result<AdminLoginInfo> find_admin(BytesView) override { return Errc::unsupported; }
    Result<Ed25519Public> find_enrolment_key(BytesView) override { return Errc::unsupported; }
    void enrol(Bytes, std::function<void(Result<std::string>)> done) override { done(Errc::unsupported); }
    void offer_trust_list(SignedBytes, std::function<void(Result<void>)> done) override { done(Errc::unsupported); }
    void fill_welcome(const server::Peer&, wire::Welcome&) override {}

    [[nodiscard]] std::optional<Device> find_device(const EnrolmentId& device) const override;
    [[nodiscard]] std::vector<EnrolmentId> find_active_devices(const OfficerId& officer,
                                                               std::string_view app) const override;

private:
    struct Entry {
        OfficerId officer;
        P256Public key;
        bool active = true;
    };
    mutable std::mutex mutex_;
    std::map<EnrolmentId, Entry> devices_;
};

/// One connection of a phone.
class Line {
public:
    Line(std::uint16_t port, const Phone& phone);
    /// Waits until every lane said that it is empty; envelopes that come before stay to be taken. The number that
    /// expired unread.
    std::uint32_t drain();
    /// The next frame of that kind; those of other kinds stay.
    wire::Frame take(wire::Frame::BodyCase kind);
    /// The next envelope.
    wire::Delivery receive();
    /// True if nothing is there by the time the server has answered a request that was sent now.
    bool quiet(wire::Frame::BodyCase kind);
    /// The error that answers `frame`.
    Errc refused(wire::Frame frame);

    void send(const wire::Frame& frame) { link.send(frame); }
    std::uint32_t next_request() { return ++last_request_; }
    const wire::Welcome& welcome() const { return welcome_; }
    server::test::LinkTestClient link;

private:
    wire::Welcome welcome_;
    std::uint32_t last_request_ = 1;
    std::vector<wire::Frame> kept_;
};

/// A Submit frame; its bytes depend on `text` alone, so that a repeat is the same.
struct Letter {
    std::vector<EnrolmentId> to;
    EnvelopeId id = system_random().id<EnvelopeId>();
    Lane lane = Lane::normal;
    UnixTime expires_at = UnixTime::from_seconds(system_clock().wall().seconds() + 3600);
    std::uint8_t bucket = 0;
    Byte text = 1;
    bool partial = false;

    [[nodiscard]] wire::Frame frame(std::uint32_t request) const;
};
wire::DeviceHeader device_header(const EnrolmentId& to);
wire::Frame ack_of(const wire::Delivery& delivery);
wire::EnvelopeRef ref_of(const wire::Delivery& delivery);

/// Hands every frame to the relay.
class RelayOnly final : public server::SessionHandler {
public:
    explicit RelayOnly(RelayCore& core) : core_(core) {}
    void on_open(server::Session& session, wire::Welcome& welcome) override { core_.on_open(session, welcome); }
    void on_ready(server::Session& session) override { core_.on_ready(session); }
    void on_frame(server::Session& session, wire::Frame& frame) override;
    void on_message_end(server::Session& session) override { core_.on_message_end(session); }
    void on_writable(server::Session& session) override { core_.on_writable(session); }
    void on_close(server::Session& session) override { core_.on_close(session); }
    void on_shutdown(std::function<void()> done) override { core_.on_shutdown(std::move(done)); }

private:
    RelayCore& core_;
};

/// Loops, relay and link, in the order of a main.
class RelayProcess {
public:
    RelayProcess(const std::filesystem::path& folder, server::MailboxStore& store, Force& force, const Clock& clock);
    ~RelayProcess();
    void shut_down() { link_->shutdown(); }
    [[nodiscard]] std::uint16_t port() const { return link_->port(); }
    [[nodiscard]] Relay& relay() { return relay_; }

private:
    server::EventLoops loops_{2};
    Relay relay_;
    std::vector<std::unique_ptr<RelayOnly>> handlers_;
    std::unique_ptr<server::LinkServer> link_;
};

class RelayLink : public ::testing::Test {
protected:
    RelayLink();
    ~RelayLink() override;
    std::unique_ptr<Line> log_in(const Phone& phone) { return std::make_unique<Line>(process->port(), phone); }
    /// Logged in, and every lane drained: what comes now is forwarded at once.
    std::unique_ptr<Line> online(const Phone& phone);
    /// Sends the letter and waits for the answer about its only recipient.
    wire::RecipientResult submit(Line& from, const Letter& letter);
    /// What waits in the mailbox.
    std::uint32_t stored(const Phone& phone, Lane lane = Lane::normal);

    std::filesystem::path folder;
    ShiftedClock clock;
    SlowStore store{clock};
    Force force;
    std::unique_ptr<RelayProcess> process;
    Phone alice = force.add(0), bob = force.add(1);
};

}  // namespace melder::relay::test
