#pragma once
// A client's connection for tests, one step at a time: each call runs the loop until its answer is there.

#include <chrono>
#include <deque>
#include <optional>

#include <boost/asio/io_context.hpp>

#include "client/link_connection.hpp"

namespace melder::testing {

inline constexpr auto patience = std::chrono::seconds(10);

class Link {
public:
    /// All connections of a test share one loop, so that waiting on one also moves the others.
    explicit Link(boost::asio::io_context& io);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    [[nodiscard]] Result<client::ServerHello> connect(std::uint16_t port, client::ServerTrust trust);
    [[nodiscard]] Result<wire::Welcome> login(const EnrolmentId& device, const P256Private& key);
    [[nodiscard]] Result<wire::Welcome> login(client::DeviceLogin login, const P256Private& key);
    [[nodiscard]] Result<wire::Welcome> admin_login(const Ed25519Seed& key);
    [[nodiscard]] Result<wire::Credential> enrol(const EnrolmentId& device, const SignedBinding& binding,
                                                 const Ed25519Seed& enrolment_key);
    [[nodiscard]] Result<wire::Frame> request(wire::Frame frame);
    /// Leaves while this or another connection on the same loop waits for something.
    void send(const wire::Frame& frame);
    /// The next frame of this kind that answers no request; others before it are dropped. Nothing after `patience`.
    [[nodiscard]] std::optional<wire::Frame> await(wire::Frame::BodyCase kind);
    /// Why the connection ended; nothing if it is still there after `limit`.
    [[nodiscard]] std::optional<Error> await_end(std::chrono::milliseconds limit = patience);

private:
    /// Runs the loop until `ready` says yes; false after `limit`.
    template <class Ready>
    bool run_until(Ready ready, std::chrono::milliseconds limit = patience);
    template <class T, class Start>
    Result<T> wait_for(Start start);

    boost::asio::io_context& io_;
    client::LinkConnection connection_;
    std::deque<wire::Frame> frames_;
    std::optional<Error> end_;
};

}  // namespace melder::testing
