#pragma once
// A logged-in connection as the services see it. The link makes it, the services use it.
//
// Threads: every connection belongs to one event loop, its *home core*: hash(enrolment id) mod loops for devices, loop
// 0 for administrators. All calls on a Session and on a SessionHandler happen on that loop.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/errc.hpp"
#include "core/ids.hpp"
#include "core/signed.hpp"
#include "core/trust_list.hpp"

namespace melder::wire {
class Frame;
class Welcome;
}  // namespace melder::wire

namespace melder::server {

/// Who proved itself at login.
struct Peer {
    enum class Kind : std::uint8_t {
        device,      ///< full rights of a device
        restricted,  ///< revoked, replaced or expired: trust list, log, own orders, own grant, receipts, nothing else
        admin
    };
    Kind kind = Kind::device;
    EnrolmentId device;          ///< zero for administrators
    OfficerId officer;           ///< zero for administrators
    std::string app;             ///< of the device
    KeyId admin_key;             ///< zero for devices
    std::vector<Right> rights;   ///< of the administrator
    std::string client_version;  ///< as the device told; at most 64 bytes, printable ASCII
    std::uint32_t protocol = 0;  ///< that the device chose; 0 for administrators
};

/// Unique in this process and never reused; not an identity.
using SessionId = std::uint64_t;

class Session {
public:
    virtual ~Session() = default;
    [[nodiscard]] virtual SessionId id() const noexcept = 0;
    [[nodiscard]] virtual const Peer& peer() const noexcept = 0;
    [[nodiscard]] virtual std::size_t home_core() const noexcept = 0;

    /// Queues a frame; all that is queued when the socket becomes writable leaves as one message and one TLS record.
    /// False: the outbox (limits::outbox_bytes) has no room and the frame was not taken; `on_writable` follows once
    /// half of it is free. Replies to the peer's own requests always fit: the link stops reading before the outbox
    /// fills.
    [[nodiscard]] virtual bool send(const wire::Frame& frame) = 0;
    /// The same for a frame that is already encoded without its length prefix (shared by a fan-out).
    [[nodiscard]] virtual bool send_encoded(BytesView frame) = 0;
    [[nodiscard]] virtual std::size_t outbox_room_bytes() const noexcept = 0;

    /// Sends what is queued, then an ErrorReply with `reason` as a notice, then closes. `on_close` follows.
    virtual void close(Errc reason) = 0;
};

/// The services behind the link. One object per home core, called on that core's loop only.
class SessionHandler {
public:
    virtual ~SessionHandler() = default;
    /// After login, before Welcome leaves: the handler may fill in what it knows (prekeys_low, …). The session stays
    /// valid until `on_close` returns.
    virtual void on_open(Session& session, wire::Welcome& welcome) = 0;
    /// After Welcome was queued: frames may be sent from here on.
    virtual void on_ready(Session& session) = 0;
    /// One frame. Those the link handles itself (login, malformed ones) never come here.
    virtual void on_frame(Session& session, wire::Frame& frame) = 0;
    /// All frames of one WebSocket message were handed over: the moment to issue what was gathered as one batch.
    virtual void on_message_end(Session& session) = 0;
    virtual void on_writable(Session& session) = 0;
    virtual void on_close(Session& session) = 0;
    /// Shutdown: write down what is in flight, then call `done` once, on this core.
    virtual void on_shutdown(std::function<void()> done) = 0;
};

/// What the link asks before it lets somebody in. Thread-safe, answers from memory, never blocks.
class LoginAuthority {
public:
    virtual ~LoginAuthority() = default;
    /// The trust list document, the newest statement (both encoded into Hello) and the protocol range: called per
    /// connection, so implementations cache the encoded Hello apart from its nonce.
    [[nodiscard]] virtual std::string hello(const ByteArray<32>& nonce) = 0;

    struct DeviceLogin {
        Peer peer;
        P256Public login_key;
        bool unknown = false;  ///< to the store; the credential in the body speaks for it
    };
    /// Finds the device named in an encoded LoginBody and what it may do: `unknown_device`, `version_mismatch`,
    /// `malformed`, or `busy` when the view of the directory is older than 10 s. The caller verifies the signature.
    [[nodiscard]] virtual Result<DeviceLogin> find_device(BytesView login_body) = 0;
    /// The signature verified: what the body says besides may be looked at. Never blocks.
    virtual void on_device_proved(BytesView login_body) { static_cast<void>(login_body); }
    /// Enters a device that was `unknown` (durable before `done`); then it may go on.
    virtual void admit(Bytes login_body, std::function<void(Result<void>)> done) {
        static_cast<void>(login_body);
        done(Errc::unknown_device);
    }
    struct AdminLoginInfo {
        Peer peer;
        Ed25519Public key;
    };
    [[nodiscard]] virtual Result<AdminLoginInfo> find_admin(BytesView admin_login_body) = 0;

    /// Enrolment: the enrolment key that must have signed the request; then the binding itself (durable before `done`).
    [[nodiscard]] virtual Result<Ed25519Public> find_enrolment_key(BytesView enrol_body) = 0;
    /// The key was found and did not sign the request. Never blocks.
    virtual void on_enrolment_refused(BytesView enrol_body, Errc why) {
        static_cast<void>(enrol_body);
        static_cast<void>(why);
    }
    virtual void enrol(Bytes enrol_body, std::function<void(Result<std::string> encoded_enrolled)> done) = 0;
    /// A client hands over a newer trust list (before or after login).
    virtual void offer_trust_list(SignedBytes list, std::function<void(Result<void>)> done) = 0;

    /// Common fields of Welcome (statement, services, store epoch, grant version).
    virtual void fill_welcome(const Peer& peer, wire::Welcome& welcome) = 0;
};

}  // namespace melder::server
