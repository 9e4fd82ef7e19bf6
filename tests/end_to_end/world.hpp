#pragma once
// A police force with a real server of its own: made by `init`, certified by a root key, on RocksDB and loopback. What
// the end-to-end tests play in.

#include <filesystem>
#include <memory>
#include <string>

#include "apps/melder-server/server_process.hpp"
#include "core/credential.hpp"
#include "core/envelope.hpp"
#include "core/order_log.hpp"
#include "tests/end_to_end/link.hpp"

namespace melder::testing {

class World {
public:
    World();
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Start and stop as an operator does; the port is the same for good.
    [[nodiscard]] Result<void> start(apps::StartOptions options = {});
    void stop();
    /// For a server that runs elsewhere on this world's directory.
    void use_port(std::uint16_t port) { port_ = port; }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] client::ServerTrust trust() const { return {.roots = roots, .known = nullptr, .lowest_version = 0}; }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
    [[nodiscard]] server::ServerConfig config() const;

    /// A connection on which nobody has logged in; fails the test if the server is not believed.
    [[nodiscard]] std::unique_ptr<Link> connect() const;
    [[nodiscard]] std::unique_ptr<Link> admin() const;

    struct Phone {
        Ed25519Seed enrolment;
        X25519KeyPair identity;
        P256KeyPair login;
        Grant grant;
        SignedBinding binding;
        [[nodiscard]] EnrolmentId id() const { return grant.enrolment_id; }
    };
    /// Keys and an issued grant, not yet enrolled.
    [[nodiscard]] Phone issue(const OfficerId& officer, std::vector<EnrolmentId> replaces = {},
                              Millis valid = std::chrono::hours(24));
    [[nodiscard]] Result<wire::Credential> enrol(const Phone& phone) const;
    /// issue + enrol.
    [[nodiscard]] Phone phone(const OfficerId& officer);
    [[nodiscard]] Result<std::unique_ptr<Link>> login(const Phone& phone, wire::Welcome* welcome = nullptr) const;
    [[nodiscard]] Result<void> put_grant(const Grant& grant, std::initializer_list<const Ed25519Seed*> signers) const;
    /// Enters an officer into the directory.
    [[nodiscard]] Result<void> put_officer(const OfficerId& officer, const std::string& name, const std::string& number,
                                           const std::vector<std::string>& unit) const;
    [[nodiscard]] Result<void> order(OrderKind kind, const EnrolmentId& target,
                                     std::initializer_list<const Ed25519Seed*> signers) const;

    const Clock* clock = &system_clock();  ///< of the server, from its next start on
    Ed25519Seed root;
    Ed25519Seed chief;   ///< every right
    Ed25519Seed deputy;  ///< every right but the help desk's
    RootSet roots;
    mutable boost::asio::io_context io;  ///< of all its clients' connections

private:
    std::filesystem::path directory_;
    std::uint16_t port_ = 0;
    std::unique_ptr<apps::ServerProcess> server_;
};

/// A well-formed upload that nobody can open: the relay reads no more than its outer shape.
[[nodiscard]] wire::Submit make_submit(const EnvelopeId& id, Lane lane, std::initializer_list<EnrolmentId> recipients,
                                       UnixTime expires_at);

}  // namespace melder::testing
