#pragma once
// Keeps one connection to a server alive: endpoints in turn, login, back-off with jitter, again. Owns the network
// thread.
//
// Threads: every function from any thread. Handlers run through `LinkKeeperOptions::post` (the account's lane), in
// order; none runs for a connection after `on_down` for it, and none after stop().

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/link_connection.hpp"
#include "core/random.hpp"

namespace melder::sdk {

struct LinkKeeperOptions {
    std::vector<client::ServerAddress> servers;  ///< at least one
    client::ByteStreamFactory make_stream;
    client::LinkTimes times;
    std::function<void(std::function<void()>)> post;
    Random& random;
};

/// What a login needs; asked for on the lane before each attempt, since log and trust list move on.
struct LoginFacts {
    client::ServerTrust trust;
    client::DeviceLogin login;
};

class LinkKeeper {
public:
    struct Handlers {
        /// On the lane. An error ends the attempts.
        std::function<Result<LoginFacts>()> load_facts;
        std::function<void(client::ServerHello, wire::Welcome)> on_up;
        std::function<void(wire::Frame&)> on_frame;
        /// `retry_in`: none when no attempt follows by itself, because the refusal is final.
        std::function<void(const Error&, std::optional<std::chrono::milliseconds> retry_in)> on_down;
    };
    LinkKeeper(LinkKeeperOptions options, Handlers handlers);
    /// stop().
    ~LinkKeeper();
    LinkKeeper(const LinkKeeper&) = delete;
    LinkKeeper& operator=(const LinkKeeper&) = delete;

    /// Begins to connect. `key` signs logins on the network thread and outlives the keeper. Again: tries at once.
    void start(std::shared_ptr<client::LoginKey> key);
    /// Closes the connection and attempts no more, until start().
    void pause();
    /// pause(), limits::last_flush for what is queued, and the end of the thread, whatever is still under way then. Not
    /// on the network thread. Idempotent.
    void stop();

    /// Errors of a frame that cannot be sent are those of a lost connection: what matters is sent again after `on_up`.
    void send(wire::Frame frame);
    void request(wire::Frame frame, std::function<void(Result<wire::Frame>)> done);

    struct Enrolled {
        client::ServerHello hello;
        wire::Credential credential;
    };
    /// On a connection of its own, one attempt per endpoint.
    void enrol(client::ServerTrust trust, const EnrolmentId& device, SignedBinding binding, Ed25519Seed seed,
               std::function<void(Result<Enrolled>)> done);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

/// Refusals that do not go away by trying again: the device or the server is not who it should be.
[[nodiscard]] bool is_final(Errc reason) noexcept;

}  // namespace melder::sdk
