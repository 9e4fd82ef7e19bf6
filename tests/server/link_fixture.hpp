#pragma once
// A link over real sockets, with an authority and handlers that a test can bend, and a journal of what they saw.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/resource.h>

#include "core/frame_codec.hpp"
#include "core/limits.hpp"
#include "server/link/link_server.hpp"
#include "server/link/tls_identity.hpp"
#include "tests/server/link_client_frames.hpp"
#include "tests/server/link_test_client.hpp"

namespace melder::server::test {

using namespace std::chrono_literals;

/// What the server's side saw, in order, and a way to wait for it.
class Journal {
public:
    void note(std::string line) {
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
        changed_.notify_all();
    }
    [[nodiscard]] bool wait_for(const std::string& line, std::size_t times = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 5s, [&] {
            return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line)) >= times;
        });
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> lines_;
};

class TestAuthority final : public LoginAuthority {
public:
    std::string hello(const ByteArray<32>& nonce) override {
        wire::Hello hello;
        hello.set_lowest_version(1);
        hello.set_highest_version(1);
        hello.set_nonce(to_string(nonce));
        return hello.SerializeAsString();
    }
    Result<DeviceLogin> find_device(BytesView login_body) override {
        const std::lock_guard lock(mutex_);
        wire::LoginBody body;
        if (!body.ParseFromArray(login_body.data(), static_cast<int>(login_body.size()))) return Errc::malformed;
        const auto found = devices_.find(body.enrolment_id());
        if (found == devices_.end()) return Errc::unknown_device;
        auto answer = found->second;
        if (restrict_after_first_) found->second.peer.kind = Peer::Kind::restricted;
        return answer;
    }
    Result<AdminLoginInfo> find_admin(BytesView) override {
        Peer peer;
        peer.kind = Peer::Kind::admin;
        return AdminLoginInfo{std::move(peer), ed25519_public_of(admin_seed)};
    }
    Result<Ed25519Public> find_enrolment_key(BytesView) override { return ed25519_public_of(enrolment_seed); }
    void enrol(Bytes, std::function<void(Result<std::string>)> done) override {
        done(wire::Enrolled().SerializeAsString());
    }
    void offer_trust_list(SignedBytes list, std::function<void(Result<void>)> done) override {
        if (on_offer) return on_offer(std::move(list), std::move(done));
        done(ok());
    }
    std::function<void(SignedBytes, std::function<void(Result<void>)>)> on_offer;
    void admit(Bytes login_body, std::function<void(Result<void>)> done) override {
        if (on_admit) return on_admit(std::move(login_body), std::move(done));
        done(Errc::unknown_device);
    }
    std::function<void(Bytes, std::function<void(Result<void>)>)> on_admit;
    /// As one that shows its own credential.
    void make_unknown(const EnrolmentId& id) {
        const std::lock_guard lock(mutex_);
        devices_[id.string()].unknown = true;
    }
    void fill_welcome(const Peer&, wire::Welcome& welcome) override { welcome.add_services(wire::SERVICE_RELAY); }

    void set(const EnrolmentId& id, const P256Public& key, Peer::Kind kind) {
        const std::lock_guard lock(mutex_);
        Peer peer;
        peer.kind = kind;
        peer.device = id;
        devices_[id.string()] = {std::move(peer), key};
    }
    void restrict_after_first_answer() { restrict_after_first_ = true; }

    const Ed25519Seed admin_seed = system_random().secret<Ed25519Seed>();
    const Ed25519Seed enrolment_seed = system_random().secret<Ed25519Seed>();

private:
    std::mutex mutex_;
    std::map<std::string, DeviceLogin> devices_;
    std::atomic<bool> restrict_after_first_ = false;
};

class TestHandler final : public SessionHandler {
public:
    explicit TestHandler(Journal& journal) : journal_(journal) {}
    void on_open(Session& session, wire::Welcome&) override { journal_.note("open " + session.peer().device.hex()); }
    void on_ready(Session& session) override {
        journal_.note("ready");
        if (on_ready_do) on_ready_do(session);
    }
    void on_frame(Session& session, wire::Frame& frame) override {
        journal_.note("frame " + std::to_string(frame.body_case()));
        if (on_frame_do) on_frame_do(session, frame);
    }
    void on_message_end(Session&) override { journal_.note("message end"); }
    void on_writable(Session&) override { journal_.note("writable"); }
    void on_close(Session& session) override { journal_.note("close " + session.peer().device.hex()); }
    void on_shutdown(std::function<void()> done) override {
        journal_.note("shutdown");
        if (keeps_shutdown_answers != nullptr) return keeps_shutdown_answers->push_back(std::move(done));
        done();
    }
    std::vector<std::function<void()>>* keeps_shutdown_answers = nullptr;  ///< instead of calling them
    std::function<void(Session&)> on_ready_do;
    std::function<void(Session&, wire::Frame&)> on_frame_do;

private:
    Journal& journal_;
};

struct Device {
    EnrolmentId id = system_random().id<EnrolmentId>();
    P256KeyPair key = generate_p256();
};

inline wire::Frame login_frame(const Device& device, const TlsExporter& exporter, const std::string& hello) {
    wire::LoginBody body;
    body.set_enrolment_id(device.id.string());
    body.set_version(1);
    wire::Frame frame;
    frame.set_request(1);
    auto& login = *frame.mutable_login();
    login.set_body(body.SerializeAsString());
    const auto input = login_transcript(Context::login, exporter, view(hello), view(login.body()));
    login.set_signature(to_string(sign_p256(device.key.private_key, input).value()));
    return frame;
}

inline wire::Frame request(wire::Frame frame, std::uint32_t number) {
    frame.set_request(number);
    return frame;
}
inline wire::Frame pause_frame() {
    wire::Frame frame;
    frame.mutable_pause();
    return frame;
}
inline wire::Frame fetch_statement(std::uint32_t number) {
    wire::Frame frame;
    frame.mutable_fetch_statement();
    return request(frame, number);
}

class Link : public ::testing::Test {
protected:
    Link()
        : folder_(std::filesystem::temp_directory_path() / ("melder_link_" + system_random().id<EnvelopeId>().hex())) {
        std::filesystem::create_directories(folder_);
        const auto identity = make_tls_identity();
        std::ofstream(folder_ / "cert.pem") << identity.certificate_pem;
        std::ofstream(folder_ / "key.pem") << as_chars(identity.private_key_pem.expose());
        config.listen = {{"127.0.0.1", 0}};
        config.certificate_file = folder_ / "cert.pem";
        config.private_key_file = folder_ / "key.pem";
        config.times.tick = 5ms;
        config.times.closing = 300ms;
        for (std::size_t i = 0; i < loops.size(); ++i)
            handlers.push_back(std::make_unique<TestHandler>(journal));
        authority.set(device.id, device.key.public_key, Peer::Kind::device);
    }
    ~Link() override {
        if (server) server->shutdown();
        loops.stop();
        std::filesystem::remove_all(folder_);
    }

    void start() {
        std::vector<SessionHandler*> pointers;
        for (const auto& handler : handlers)
            pointers.push_back(handler.get());
        server = std::make_unique<LinkServer>(config, loops, authority, pointers, Log::none());
        ASSERT_TRUE(server->start().has_value());
    }
    std::unique_ptr<LinkTestClient> connect(int receive_buffer_bytes = 0) {
        auto client = std::make_unique<LinkTestClient>(server->port(), receive_buffer_bytes);
        EXPECT_TRUE(client->open());
        return client;
    }
    std::unique_ptr<LinkTestClient> log_in(const Device& who, int receive_buffer_bytes = 0) {
        auto client = connect(receive_buffer_bytes);
        client->send(login_frame(who, client->exporter(), client->hello()));
        const auto welcome = client->read();
        EXPECT_TRUE(welcome.has_value() && welcome->has_welcome());
        return client;
    }
    TestHandler& home_handler(const Device& who) { return *handlers[home_core_of(who.id, loops.size())]; }
    static void expect_error(const std::optional<wire::Frame>& frame, Errc code) {
        ASSERT_TRUE(frame.has_value());
        ASSERT_TRUE(frame->has_error());
        EXPECT_EQ(frame->error().code(), static_cast<std::uint32_t>(code));
    }

    std::filesystem::path folder_;
    LinkConfig config;
    EventLoops loops{2};
    Journal journal;
    TestAuthority authority;
    std::vector<std::unique_ptr<TestHandler>> handlers;
    std::unique_ptr<LinkServer> server;
    Device device;
};

}  // namespace melder::server::test
