#pragma once
// What LinkConnection consists of. Internal to client. On the executor only.

#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "client/link_connection.hpp"
#include "client/liveness_logic.hpp"
#include "client/login_messages.hpp"
#include "client/outgoing_messages.hpp"
#include "client/request_table.hpp"
#include "client/web_socket.hpp"

namespace melder::client {

class LinkConnection::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(const boost::asio::any_io_executor& executor, ByteStreamFactory make_stream, const LinkTimes& times);

    void connect(const ServerAddress& address, ServerTrust trust, Completion<ServerHello> done);
    void login(DeviceLogin login, LoginKey& key, Completion<wire::Welcome> done);
    void admin_login(const Ed25519Seed& key, Completion<wire::Welcome> done);
    void enrol(const EnrolmentId& device, const SignedBinding& binding, const Ed25519Seed& key,
               Completion<wire::Credential> done);
    Result<void> send(const wire::Frame& frame);
    void request_parts(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler);
    void set_reading(bool wanted);
    void close();
    /// The owner died: everything outstanding is cancelled and nobody is told that the connection ended.
    void abandon() {
        on_closed = nullptr;
        on_frame = nullptr;
        end(Errc::cancelled);
    }
    [[nodiscard]] bool is_open() const noexcept { return phase_ == Phase::open; }
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return outgoing_.queued_bytes(); }

    std::function<void(wire::Frame&)> on_frame;
    std::function<void(const Error&)> on_closed;

private:
    using SteadyClock = std::chrono::steady_clock;
    enum class Phase : std::uint8_t { idle, connecting, greeted, open, closing, ended };

    /// Wraps a member call so that it does nothing once this object is gone.
    template <class Function>
    auto guarded(Function function) {
        return [weak = weak_from_this(), function = std::move(function)](auto&&... arguments) {
            if (const auto self = weak.lock()) function(*self, std::forward<decltype(arguments)>(arguments)...);
        };
    }
    template <class T>
    void fail_later(Completion<T> done, Error error) {
        boost::asio::post(executor_, [done = std::move(done), error = std::move(error)] { done(error); });
    }
    // Before login: link_login.cpp
    [[nodiscard]] Result<LoginBinding> binding() const;
    void on_hello(const std::string& encoded);
    PartHandler welcome_handler(Completion<wire::Welcome> done);
    void on_welcome(wire::Frame& reply, const Completion<wire::Welcome>& done);

    // Reading, writing, time and the end: link_connection_impl.cpp
    void read_next();
    void on_message(BytesView message);
    void take_frame(wire::Frame& frame);
    Result<void> queue(const wire::Frame& frame);
    void submit_request(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler);
    void flush();
    void ping();
    void on_path_changed();
    void arm();
    void on_timer();
    void end(const Error& reason);

    boost::asio::any_io_executor executor_;
    ByteStreamFactory make_stream_;
    LinkTimes times_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<WebSocket> socket_;
    Phase phase_ = Phase::idle;
    ServerTrust trust_;
    ServerHello hello_;
    Completion<ServerHello> connect_done_;
    RequestTable requests_;
    OutgoingMessages outgoing_;
    LivenessLogic liveness_;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool reading_ = false;
    bool reading_wanted_ = true;
    bool pinging_ = false;
    SteadyClock::time_point phase_due_{};  ///< of connecting and closing
    std::optional<Error> notice_;          ///< why the server says it will close
};

}  // namespace melder::client
