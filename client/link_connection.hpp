#pragma once
// One connection to a server, from the host name to `Welcome` and the frames after it.
//
//     LinkConnection link(executor, make_socket_stream, {});
//     link.on_frame([](wire::Frame& frame) { … });                  // notices: deliveries, prekeys low, …
//     link.on_closed([](const Error& why) { … });                   // once, whatever ended it
//     link.connect({"melder.police.example", 5443}, trust, [&](Result<ServerHello> hello) {
//         if (!hello) return;                                       // wrong_server_key, network, tls, …; on_closed
//         follows link.login({.device = id}, key, [&](Result<wire::Welcome> welcome) {
//             wire::Frame frame;
//             frame.mutable_fetch_own_grant();
//             link.request(std::move(frame), 10s, [](Result<wire::Frame> reply) { … });
//         });
//     });
//
// Before the server's Hello was judged nothing but TLS and the HTTP upgrade is sent, and neither names the client.
//
// Threads: all calls and all completions on `executor`, which is a strand or belongs to one thread. Completions never
// run inside the call that asked for them. Every operation has a deadline; each completion is called exactly once, with
// `cancelled` if the object dies or close() is called first. The object may die at any time, also in one of its own
// completions, and the loop after it without running dry: completions that it never ran are then destroyed uncalled.

#include <chrono>
#include <memory>
#include <string>

#include "client/byte_stream.hpp"
#include "client/login_key.hpp"
#include "client/server_judgement.hpp"
#include "core/credential.hpp"
#include "core/limits.hpp"
#include "proto/link.pb.h"

namespace melder::client {

struct ServerAddress {
    std::string host;
    std::uint16_t port = 0;
};

/// The defaults are DESIGN's; tests shorten them.
struct LinkTimes {
    std::chrono::milliseconds handshake = limits::handshake_deadline;  ///< name, TCP, TLS, upgrade and Hello, together
    std::chrono::milliseconds login = limits::login_deadline;
    std::chrono::milliseconds ping = limits::ping_interval;          ///< of silence, then a ping
    std::chrono::milliseconds dead = limits::dead_after;             ///< of silence, then `network`
    std::chrono::milliseconds path_check = std::chrono::seconds(5);  ///< for an answer after the path changed
    std::chrono::milliseconds closing = limits::closing_deadline;
};

struct DeviceLogin {
    EnrolmentId device{};
    StoreEpoch store_epoch{};    ///< the last one met; zero at first
    std::uint64_t log_size = 0;  ///< the order log as this device knows it
    Hash log_head{};
    Bytes statement{};  ///< an encoded Signed: the newest statement held; proves to a restored server that it knew more
    Bytes credential{};            ///< encoded wire::Credential, or empty: for a server that does not know the device
    std::string client_version{};  ///< "melder 0.1.0"
};

class LinkConnection {
public:
    template <class T>
    using Completion = std::function<void(Result<T>)>;
    /// Whether more parts of the same reply are to come.
    enum class Reply { last_part, more_to_come };
    using PartHandler = std::function<Reply(Result<wire::Frame>)>;

    LinkConnection(const boost::asio::any_io_executor& executor, const ByteStreamFactory& make_stream,
                   const LinkTimes& times);
    ~LinkConnection();
    LinkConnection(LinkConnection&&) noexcept;
    LinkConnection& operator=(LinkConnection&&) noexcept;

    /// Every frame that answers no request of ours. Set before connect().
    void on_frame(std::function<void(wire::Frame&)> handler);
    /// Once, when the connection has ended: the server's ErrorReply notice, `network`, `malformed`, `closed` after
    /// close(). Not called when this object dies. Set before connect().
    void on_closed(std::function<void(const Error&)> handler);

    /// Once. Afterwards login, admin_login or enrol may follow. If the client's list is newer, it is offered by itself.
    void connect(const ServerAddress& address, ServerTrust trust, Completion<ServerHello> done);

    /// `key` lives until the completion. The server's refusals come as they are: `unknown_device`, `login_refused`, …;
    /// a restricted session is a Welcome with `restricted`.
    void login(DeviceLogin login, LoginKey& key, Completion<wire::Welcome> done);
    void admin_login(const Ed25519Seed& key, Completion<wire::Welcome> done);
    /// Then login() may follow on the same connection. `unknown_code`, `code_expired`, `code_used`, `already_bound`.
    void enrol(const EnrolmentId& device, const SignedBinding& binding, const Ed25519Seed& enrolment_key,
               Completion<wire::Credential> done);

    /// Queues a frame; everything queued when the link becomes writable leaves as one message (≤ 128 KiB). `too_large`
    /// for a frame that no message holds, `busy` when limits::outbox_hard_bytes are waiting, `not_connected`.
    [[nodiscard]] Result<void> send(const wire::Frame& frame);
    /// send() with a request number, and the reply. An ErrorReply comes as its Error.
    void request(wire::Frame frame, std::chrono::milliseconds deadline, Completion<wire::Frame> done);
    /// For replies in parts (Bundles, SubmitResult); the deadline begins anew with each part.
    void request_parts(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler);

    /// While paused nothing is read beyond what is being read: back-pressure for an app that does not keep up. The
    /// dead- peer clock stands still meanwhile.
    void pause_reading();
    void resume_reading();

    /// Sends what is queued, then the WebSocket close; after LinkTimes::closing the stream is cut anyway.
    void close();
    [[nodiscard]] bool is_open() const noexcept;  ///< after Welcome, before the end
    [[nodiscard]] std::size_t queued_bytes() const noexcept;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace melder::client
