#pragma once
// One connection through all its life: TLS handshake, HTTP upgrade, Hello, login, hand-over to its home core, session,
// closing. Lives on one loop at a time; what waits on the socket is a callback, never a coroutine frame or a buffer.

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "server/link/deadlines.hpp"
#include "server/link/http_upgrade.hpp"
#include "server/link/link_core.hpp"
#include "server/link/login.hpp"

namespace melder::server {

class Connection final : public Session, public std::enable_shared_from_this<Connection> {
public:
    /// Owns the descriptor (non-blocking) from here on. `place` is given back once it has logged in.
    Connection(std::shared_ptr<LinkCore> core, SessionId id, int descriptor, Admission::Place place);
    ~Connection() override;

    // Session
    [[nodiscard]] SessionId id() const noexcept override { return id_; }
    [[nodiscard]] const Peer& peer() const noexcept override { return peer_; }
    [[nodiscard]] std::size_t home_core() const noexcept override { return core_->index(); }
    [[nodiscard]] bool send(const wire::Frame& frame) override;
    [[nodiscard]] bool send_encoded(BytesView frame) override;
    [[nodiscard]] std::size_t outbox_room_bytes() const noexcept override;
    void close(Errc reason) override;

    // For LinkCore
    void start();
    /// On the home core: settles here with the rights the device has now.
    void settle(std::shared_ptr<LinkCore> home);
    [[nodiscard]] const VerifiedLogin& verified() const noexcept { return *login_->verified; }
    /// Says Welcome; handler calls on_open and on_ready.
    void open(Peer peer);
    /// A second connection of the device is here: tells this one and closes it.
    void replace();
    /// False: it is on the list already.
    [[nodiscard]] bool mark_for_flush() noexcept { return !std::exchange(flush_marked_, true); }
    void flush_marked() {
        flush_marked_ = false;
        flush();
    }
    void on_tick(std::uint64_t tick);
    void announce_close();
    void notify_writable();
    /// The authority's answers.
    void finish_enrol(std::uint32_t request, const Result<std::string>& encoded_enrolled);
    void finish_offer(std::uint32_t request, const Result<void>& outcome);
    void finish_admit(const Result<void>& outcome);
    /// An ErrorReply, then the end.
    void refuse(std::uint32_t request, const Error& error);
    [[nodiscard]] std::uint32_t login_request() const noexcept { return login_->request; }
    /// Ends at once, without a word.
    void drop();
    [[nodiscard]] bool was_opened() const noexcept { return opened_; }

private:
    enum class Phase : std::uint8_t {
        tls,
        upgrade,
        login,
        moving,  ///< verified; on its way to the home core
        open,
        closing,  ///< flushing, then waiting for the peer to close
        closed
    };
    struct LoginState {
        HttpUpgrade upgrade;
        LoginBinding binding;
        std::optional<VerifiedLogin> verified;
        std::uint32_t request = 0;
        bool waiting = false;  ///< for the authority's answer to an Enrol or OfferTrustList
    };
    /// What was read but may not be handled yet.
    struct Stash {
        Bytes message;  ///< the rest of a message
        std::size_t frames = 0;
        Bytes input;  ///< bytes behind it
    };

    void wait_read();
    void wait_write();
    void on_readable();
    void on_handshake();
    void read_some();
    void feed(std::span<Byte> input);
    void on_upgrade(std::span<Byte>& input);
    void on_message(BytesView message, std::size_t already_read);
    void on_login_frame(const wire::Frame& frame);
    void on_session_frame(wire::Frame& frame);
    template <class Message>
    void on_login(std::uint32_t request, const Message& message);
    void count_refused_login(Errc code);
    void on_enrol(const wire::Frame& frame);
    void on_offer(const wire::Frame& frame);
    void on_protocol_error(Errc code, CloseCode close_code);
    void resume();
    void move_home();

    [[nodiscard]] bool may_dispatch() noexcept;
    [[nodiscard]] bool takes_input() const noexcept;
    [[nodiscard]] bool has_room_for(std::size_t framed, bool is_reply);
    void queue(const wire::Frame& frame);
    void reply_error(std::uint32_t request, const Error& error);
    void begin_closing(std::optional<CloseCode> code);
    void stash_input(BytesView input);
    void flush();
    void after_progress();
    void after_flush();
    void schedule_check(LinkTime due);

    std::shared_ptr<LinkCore> core_;
    SessionId id_;
    Admission::Place place_;
    int descriptor_number_;
    TlsStream tls_;
    WebSocketCodec codec_;
    Outbox outbox_;
    Deadlines deadlines_;
    std::uint64_t check_tick_ = 0;  ///< 0: none scheduled
    LinkTime check_due_{};
    Peer peer_;
    std::unique_ptr<LoginState> login_;  ///< until the session is open
    std::unique_ptr<Stash> stash_;
    Phase phase_ = Phase::tls;
    bool read_waits_ = false;  ///< on_readable or read_some will be called
    bool write_waits_ = false;
    bool flush_marked_ = false;
    bool paused_ = false;  ///< not reading: the outbox has no room for replies
    bool resuming_ = false;
    bool wants_writable_ = false;  ///< a frame was refused
    bool offer_waits_ = false;
    bool opened_ = false;            ///< on_open was called
    bool announced_ = false;         ///< on_close was called
    bool said_goodbye_ = false;      ///< everything is flushed; waiting for the peer's end
    bool read_needs_write_ = false;  ///< TLS has to write before it can read on
    using Descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
    // The last member: if the constructor fails, the descriptor is still the caller's.
    std::optional<Descriptor> descriptor_;  ///< none while it moves between loops
};

}  // namespace melder::server
