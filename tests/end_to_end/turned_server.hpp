#pragma once
// A server that has the real one's keys and lies: what it says is the test's choice, frame by frame. It takes over the
// port and the TLS key of a world whose own server is stopped.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "core/statement.hpp"
#include "proto/link.pb.h"
#include "server/link/link_server.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {

class TurnedServer final : public server::LoginAuthority, public server::SessionHandler {
public:
    /// Lets in the devices of `may_log_in`. Its first statement is the real server's last one, at the time of `clock`.
    TurnedServer(const World& world, const Clock& clock, Statement last, const std::vector<Credential>& may_log_in);
    ~TurnedServer() override;

    /// What it states from now on, over whatever nonce it is asked; the time is the clock's. From any thread.
    void state(std::uint64_t log_size, const Hash& head);
    void say(std::function<void(Statement&)> change);
    /// Its log, from the first entry.
    void set_log(std::vector<Bytes> entries);
    /// The answer to requests of one kind; without one they are answered with `unsupported`.
    void answer(wire::Frame::BodyCase kind, wire::Frame frame);
    /// What it states from now on is signed with this key.
    void sign_with(const Ed25519Seed& seed);
    /// Sent to whoever logs in.
    void greet_with(wire::Frame frame);
    [[nodiscard]] int count(wire::Frame::BodyCase kind) const;
    /// What the newest login said.
    [[nodiscard]] wire::LoginBody last_login() const;
    /// A binding's date, for whatever it is asked to date.
    [[nodiscard]] SignedBytes date(const Hash& grant, const Hash& binding) const {
        return date_binding(grant, binding, clock_.wall(), statement_seed_);
    }
    [[nodiscard]] SignedBytes statement(const std::optional<ByteArray<16>>& nonce) const;

private:
    std::string hello(const ByteArray<32>& nonce) override;
    Result<DeviceLogin> find_device(BytesView login_body) override;
    Result<AdminLoginInfo> find_admin(BytesView admin_login_body) override;
    Result<Ed25519Public> find_enrolment_key(BytesView enrol_body) override;
    void enrol(Bytes enrol_body, std::function<void(Result<std::string>)> done) override;
    void offer_trust_list(SignedBytes list, std::function<void(Result<void>)> done) override;
    void fill_welcome(const server::Peer& peer, wire::Welcome& welcome) override;

    void on_open(server::Session&, wire::Welcome&) override {}
    void on_ready(server::Session& session) override;
    void on_frame(server::Session& session, wire::Frame& frame) override;
    void on_message_end(server::Session&) override {}
    void on_writable(server::Session&) override {}
    void on_close(server::Session&) override {}
    void on_shutdown(std::function<void()> done) override { done(); }
    [[nodiscard]] wire::Frame reply_to(const wire::Frame& frame);

    const Clock& clock_;
    Ed25519Seed statement_seed_;
    SignedBytes trust_list_;
    std::map<EnrolmentId, DeviceLogin> devices_;
    mutable std::mutex mutex_;
    Statement statement_;
    std::function<void(Statement&)> change_;
    std::vector<Bytes> log_;
    std::map<wire::Frame::BodyCase, wire::Frame> answers_;
    std::optional<wire::Frame> greeting_;
    std::map<wire::Frame::BodyCase, int> counts_;
    wire::LoginBody last_login_;
    server::EventLoops loops_{1};
    std::unique_ptr<server::LinkServer> link_;
};

}  // namespace melder::testing
