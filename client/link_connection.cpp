#include "client/link_connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <utility>

#include "client/login_messages.hpp"
#include "client/request_table.hpp"
#include "client/web_socket.hpp"
#include "core/frame_codec.hpp"

namespace melder::client {

namespace asio = boost::asio;
using SteadyClock = std::chrono::steady_clock;

class LinkConnection::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(const asio::any_io_executor& executor, ByteStreamFactory make_stream, const LinkTimes& times)
        : executor_(executor), make_stream_(std::move(make_stream)), times_(times), timer_(executor) {}

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
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return queued_bytes_; }

    std::function<void(wire::Frame&)> on_frame;
    std::function<void(const Error&)> on_closed;

private:
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
        asio::post(executor_, [done = std::move(done), error = std::move(error)] { done(error); });
    }
    [[nodiscard]] Result<LoginBinding> binding() const;
    void read_next();
    void on_message(BytesView message);
    void take_frame(wire::Frame& frame);
    void on_hello(const std::string& encoded);
    PartHandler welcome_handler(Completion<wire::Welcome> done);
    void on_welcome(wire::Frame& reply, const Completion<wire::Welcome>& done);
    Result<void> queue(const wire::Frame& frame);
    void submit_request(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler);
    void flush();
    void ping();
    void on_path_changed();
    void arm();
    void on_timer();
    void end(const Error& reason);

    asio::any_io_executor executor_;
    ByteStreamFactory make_stream_;
    LinkTimes times_;
    asio::steady_timer timer_;
    std::unique_ptr<WebSocket> socket_;
    Phase phase_ = Phase::idle;
    ServerTrust trust_;
    ServerHello hello_;
    Completion<ServerHello> connect_done_;
    RequestTable requests_;
    std::deque<Bytes> messages_;  ///< whole WebSocket messages; the front one is on its way if writing_
    std::size_t frames_in_last_ = 0;
    std::size_t queued_bytes_ = 0;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool reading_ = false;
    bool reading_wanted_ = true;
    bool pinging_ = false;
    SteadyClock::time_point phase_due_{};  ///< of connecting and closing
    SteadyClock::time_point resumed_{};    ///< silence before it is our own doing
    SteadyClock::time_point pinged_{};
    std::optional<SteadyClock::time_point> path_changed_;
    std::optional<Error> notice_;  ///< why the server says it will close
};

// ---- before login -------------------------------------------------------------------------------------------------

void LinkConnection::Impl::connect(const ServerAddress& address, ServerTrust trust, Completion<ServerHello> done) {
    if (phase_ != Phase::idle) return fail_later(std::move(done), Errc::out_of_order);
    phase_ = Phase::connecting;
    trust_ = std::move(trust);
    connect_done_ = std::move(done);
    phase_due_ = SteadyClock::now() + times_.handshake;
    socket_ = std::make_unique<WebSocket>(executor_, make_stream_(executor_), address.host);
    socket_->on_path_changed(guarded([](Impl& self) { self.on_path_changed(); }));
    socket_->connect(address.host, address.port, guarded([](Impl& self, const Result<void>& connected) {
                         if (self.phase_ != Phase::connecting) return;
                         if (connected.has_error()) return self.end(connected.error());
                         self.read_next();
                     }));
    arm();
}

void LinkConnection::Impl::on_hello(const std::string& encoded) {
    const auto spki = socket_->tls().engine().peer_spki();
    auto judged = spki.has_error() ? Result<ServerHello>(spki.error()) : judge_server(view(encoded), *spki, trust_);
    if (judged.has_error()) return end(judged.error());
    hello_ = std::move(*judged);
    phase_ = Phase::greeted;
    resumed_ = SteadyClock::now();
    if (hello_.offer_trust) {
        wire::Frame offer;
        *offer.mutable_offer_trust_list()->mutable_trust_list() = hello_.trust->document().to_wire();
        // The server's answer changes nothing here: this client goes on by the newer list either way.
        submit_request(std::move(offer), times_.login, [](const Result<wire::Frame>&) { return Reply::last_part; });
    }
    std::exchange(connect_done_, nullptr)(hello_);
}

Result<LoginBinding> LinkConnection::Impl::binding() const {
    if (phase_ != Phase::greeted) return Errc::out_of_order;
    MELDER_TRY(const auto exporter, socket_->tls().engine().exporter());
    return LoginBinding{exporter, hello_.encoded};
}

void LinkConnection::Impl::login(DeviceLogin login, LoginKey& key, Completion<wire::Welcome> done) {
    const auto bound = binding();
    if (bound.has_error()) return fail_later(std::move(done), bound.error());
    const auto body = login_body(login, hello_.protocol);
    if (body.has_error()) return fail_later(std::move(done), body.error());
    auto signed_later = [weak = weak_from_this(), executor = executor_, body = *body,
                         done = std::move(done)](Result<ByteArray<64>> signature) {
        asio::post(executor, [weak, body, done, signature = std::move(signature)] {
            const auto self = weak.lock();
            if (self == nullptr || self->phase_ != Phase::greeted) return done(Errc::cancelled);
            if (signature.has_error()) return done(signature.error());
            wire::Frame frame;
            frame.mutable_login()->set_body(to_string(body));
            frame.mutable_login()->set_signature(to_string(*signature));
            self->submit_request(std::move(frame), self->times_.login, self->welcome_handler(done));
        });
    };
    key.sign(login_transcript(Context::login, bound->exporter, bound->hello, *body), std::move(signed_later));
}

void LinkConnection::Impl::admin_login(const Ed25519Seed& key, Completion<wire::Welcome> done) {
    const auto bound = binding();
    if (bound.has_error()) return fail_later(std::move(done), bound.error());
    wire::Frame frame;
    *frame.mutable_admin_login() = make_admin_login(key, hello_.protocol, *bound);
    submit_request(std::move(frame), times_.login, welcome_handler(std::move(done)));
}

/// Outlives this object, like every completion.
LinkConnection::PartHandler LinkConnection::Impl::welcome_handler(Completion<wire::Welcome> done) {
    return [weak = weak_from_this(), done = std::move(done)](Result<wire::Frame> reply) {
        if (reply.has_error()) {
            done(reply.error());
        } else if (const auto self = weak.lock()) {
            self->on_welcome(*reply, done);
        } else {
            done(Errc::cancelled);
        }
        return Reply::last_part;
    };
}

void LinkConnection::Impl::on_welcome(wire::Frame& reply, const Completion<wire::Welcome>& done) {
    bool relay = false;
    bool keyserver = false;
    for (const auto service : reply.welcome().services()) {
        relay = relay || service == wire::SERVICE_RELAY;
        keyserver = keyserver || service == wire::SERVICE_KEYSERVER;
    }
    Result<void> acceptable = Errc::malformed;
    if (reply.has_welcome()) acceptable = judge_services(hello_, relay, keyserver);
    if (acceptable.has_error()) {
        done(acceptable.error());
        return end(acceptable.error());
    }
    phase_ = Phase::open;
    socket_->set_longest_message(limits::message_bytes);
    done(std::move(*reply.mutable_welcome()));
}

void LinkConnection::Impl::enrol(const EnrolmentId& device, const SignedBinding& signed_binding, const Ed25519Seed& key,
                                 Completion<wire::Credential> done) {
    const auto bound = binding();
    if (bound.has_error()) return fail_later(std::move(done), bound.error());
    wire::Frame frame;
    *frame.mutable_enrol() = make_enrol(device, signed_binding, key, hello_.protocol, *bound);
    submit_request(std::move(frame), times_.login, [done = std::move(done)](Result<wire::Frame> reply) {
        if (reply.has_error()) {
            done(reply.error());
        } else if (!reply->has_enrolled()) {
            done(Errc::malformed);
        } else {
            done(std::move(*reply->mutable_enrolled()->mutable_credential()));
        }
        return Reply::last_part;
    });
}

// ---- reading ------------------------------------------------------------------------------------------------------

void LinkConnection::Impl::read_next() {
    if (reading_ || !reading_wanted_ || phase_ == Phase::ended || socket_ == nullptr) return;
    reading_ = true;
    socket_->read(guarded([](Impl& self, const Result<BytesView>& message) {
        self.reading_ = false;
        if (self.phase_ == Phase::ended) return;
        if (message.has_error()) return self.end(message.error());
        self.on_message(*message);
        self.read_next();
        self.arm();
    }));
}

void LinkConnection::Impl::on_message(BytesView message) {
    FrameReader reader(message);
    while (phase_ != Phase::ended) {
        const auto next = reader.next();
        if (next.has_error()) return end(next.error());
        if (!next->has_value()) return;
        const auto encoded = **next;
        wire::Frame frame;
        if (!frame.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return end(Errc::malformed);
        take_frame(frame);
    }
}

void LinkConnection::Impl::take_frame(wire::Frame& frame) {
    if (phase_ == Phase::connecting) {
        if (frame.has_hello()) return on_hello(frame.hello());
        return end(frame.has_error() ? error_of(frame.error()) : Error(Errc::malformed));
    }
    if (frame.request() != 0 && requests_.deliver(frame, SteadyClock::now())) return;
    if (frame.has_error() && frame.request() == 0) {
        notice_ = error_of(frame.error());  // the server closes next
        return;
    }
    if (phase_ != Phase::open && phase_ != Phase::closing) return end(Errc::out_of_order);
    if (on_frame) on_frame(frame);
}

void LinkConnection::Impl::set_reading(bool wanted) {
    if (wanted && !reading_wanted_) resumed_ = SteadyClock::now();
    reading_wanted_ = wanted;
    if (wanted && phase_ != Phase::connecting && phase_ != Phase::idle) {
        read_next();
        arm();
    }
}

// ---- writing ------------------------------------------------------------------------------------------------------

Result<void> LinkConnection::Impl::send(const wire::Frame& frame) {
    if (phase_ != Phase::open) return Errc::not_connected;
    return queue(frame);
}

Result<void> LinkConnection::Impl::queue(const wire::Frame& frame) {
    const auto encoded = frame.ByteSizeLong();
    const auto size = framed_bytes(encoded);
    const auto longest = phase_ == Phase::open ? limits::message_bytes : limits::message_before_welcome_bytes;
    if (size > longest) return Errc::too_large;
    if (queued_bytes_ + size > limits::outbox_hard_bytes) return Errc::busy;
    const bool last_is_leaving = writing_ && messages_.size() == 1;
    if (messages_.empty() || last_is_leaving || messages_.back().size() + size > longest ||
        frames_in_last_ == limits::frames_per_message) {
        messages_.emplace_back();
        frames_in_last_ = 0;
    }
    append_frame(messages_.back(), frame, encoded);
    ++frames_in_last_;
    queued_bytes_ += size;
    // Later in this turn of the loop: what else is queued by then leaves with it.
    if (!std::exchange(flush_posted_, true)) {
        asio::post(executor_, guarded([](Impl& self) {
                       self.flush_posted_ = false;
                       self.flush();
                   }));
    }
    return ok();
}

void LinkConnection::Impl::flush() {
    if (writing_ || phase_ == Phase::ended) return;
    if (messages_.empty()) {
        if (phase_ == Phase::closing) {
            writing_ = true;  // nothing follows a close
            socket_->close(guarded([](Impl& self, const Result<void>&) { self.end(Errc::closed); }));
        }
        return;
    }
    writing_ = true;
    // Beast reads from the buffer until the completion; should this object die before, the buffer must not.
    auto message = std::make_shared<Bytes>(std::move(messages_.front()));
    socket_->write(*message, [weak = weak_from_this(), message](const Result<void>& written) {
        const auto self = weak.lock();
        if (self == nullptr || self->phase_ == Phase::ended) return;
        self->writing_ = false;
        self->messages_.pop_front();
        self->queued_bytes_ -= message->size();
        if (written.has_error()) return self->end(written.error());
        self->flush();
    });
}

void LinkConnection::Impl::request_parts(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler) {
    if (phase_ != Phase::open) {
        asio::post(executor_, [handler = std::move(handler)] { handler(Errc::not_connected); });
        return;
    }
    submit_request(std::move(frame), deadline, std::move(handler));
}

void LinkConnection::Impl::submit_request(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler) {
    const auto number = requests_.add(handler, deadline, SteadyClock::now());
    frame.set_request(number);
    if (const auto queued = queue(frame); queued.has_error()) {
        requests_.forget(number);
        asio::post(executor_, [handler = std::move(handler), error = queued.error()] { handler(error); });
        return;
    }
    arm();
}

// ---- time and the end ---------------------------------------------------------------------------------------------

void LinkConnection::Impl::ping() {
    pinged_ = SteadyClock::now();
    if (std::exchange(pinging_, true)) return;
    socket_->ping(guarded([](Impl& self, const Result<void>&) { self.pinging_ = false; }));
}

void LinkConnection::Impl::on_path_changed() {
    if (phase_ != Phase::open && phase_ != Phase::greeted) return;
    path_changed_ = SteadyClock::now();
    ping();
    arm();
}

void LinkConnection::Impl::arm() {
    if (phase_ == Phase::idle || phase_ == Phase::ended) return;
    auto due = SteadyClock::time_point::max();
    if (const auto request = requests_.next_due()) due = *request;
    if (phase_ == Phase::connecting || phase_ == Phase::closing) {
        due = std::min(due, phase_due_);
    } else {
        const auto heard = std::max(socket_->tls().last_heard(), resumed_);
        due = std::min(due, std::max(heard, pinged_) + times_.ping);
        if (reading_wanted_) due = std::min(due, heard + times_.dead);
        if (path_changed_) due = std::min(due, *path_changed_ + times_.path_check);
    }
    timer_.expires_at(due);
    timer_.async_wait(guarded([](Impl& self, const boost::system::error_code& code) {
        if (!code) self.on_timer();
    }));
}

void LinkConnection::Impl::on_timer() {
    if (phase_ == Phase::ended) return;
    const auto now = SteadyClock::now();
    requests_.expire(now);
    if (phase_ == Phase::ended) return;
    if (phase_ == Phase::connecting || phase_ == Phase::closing) {
        if (now >= phase_due_) return end(phase_ == Phase::closing ? Errc::closed : Errc::deadline_exceeded);
        return arm();
    }
    const auto heard = std::max(socket_->tls().last_heard(), resumed_);
    if (path_changed_ && heard > *path_changed_) path_changed_.reset();
    const bool lost_path = path_changed_ && reading_wanted_ && now >= *path_changed_ + times_.path_check;
    if (lost_path || (reading_wanted_ && now >= heard + times_.dead)) {
        return end(Error(Errc::network, "the server has fallen silent"));
    }
    if (path_changed_ && now >= *path_changed_ + times_.path_check) path_changed_.reset();
    if (now >= std::max(heard, pinged_) + times_.ping) ping();
    arm();
}

void LinkConnection::Impl::close() {
    if (phase_ == Phase::closing || phase_ == Phase::ended) return;
    if (phase_ == Phase::idle || phase_ == Phase::connecting) {
        asio::post(executor_, guarded([](Impl& self) { self.end(Errc::closed); }));
        return;
    }
    phase_ = Phase::closing;
    phase_due_ = SteadyClock::now() + times_.closing;
    reading_wanted_ = true;  // the peer's close has to be read
    read_next();
    asio::post(executor_, guarded([](Impl& self) { self.flush(); }));
    arm();
}

void LinkConnection::Impl::end(const Error& reason) {
    if (phase_ == Phase::ended) return;
    const bool by_us = phase_ == Phase::closing;
    phase_ = Phase::ended;
    timer_.cancel();
    if (socket_ != nullptr) socket_->cancel();
    messages_.clear();
    queued_bytes_ = 0;
    const Error why = by_us ? Error(Errc::closed) : notice_.value_or(reason);
    // Later, since completions never run inside the call that asked for them; and they outlive this object.
    auto requests = std::make_shared<RequestTable>(std::exchange(requests_, {}));
    requests_.fail_all(why);  // for the one whose handler is running now
    asio::post(executor_, [requests, connect_done = std::exchange(connect_done_, nullptr),
                           closed = std::exchange(on_closed, nullptr), why, by_us] {
        const Error to_requests = by_us ? Error(Errc::cancelled) : why;
        if (connect_done) connect_done(to_requests);
        requests->fail_all(to_requests);
        if (closed) closed(why);
    });
}

// ---- the outside --------------------------------------------------------------------------------------------------

LinkConnection::LinkConnection(const asio::any_io_executor& executor, const ByteStreamFactory& make_stream,
                               const LinkTimes& times)
    : impl_(std::make_shared<Impl>(executor, make_stream, times)) {}
LinkConnection::~LinkConnection() {
    if (impl_ != nullptr) impl_->abandon();
}
LinkConnection::LinkConnection(LinkConnection&&) noexcept = default;
LinkConnection& LinkConnection::operator=(LinkConnection&& other) noexcept {
    if (this != &other) {
        if (impl_ != nullptr) impl_->abandon();
        impl_ = std::move(other.impl_);
    }
    return *this;
}

void LinkConnection::on_frame(std::function<void(wire::Frame&)> handler) {
    impl_->on_frame = std::move(handler);
}
void LinkConnection::on_closed(std::function<void(const Error&)> handler) {
    impl_->on_closed = std::move(handler);
}
void LinkConnection::connect(const ServerAddress& address, ServerTrust trust, Completion<ServerHello> done) {
    impl_->connect(address, std::move(trust), std::move(done));
}
void LinkConnection::login(DeviceLogin login, LoginKey& key, Completion<wire::Welcome> done) {
    impl_->login(std::move(login), key, std::move(done));
}
void LinkConnection::admin_login(const Ed25519Seed& key, Completion<wire::Welcome> done) {
    impl_->admin_login(key, std::move(done));
}
void LinkConnection::enrol(const EnrolmentId& device, const SignedBinding& binding, const Ed25519Seed& enrolment_key,
                           Completion<wire::Credential> done) {
    impl_->enrol(device, binding, enrolment_key, std::move(done));
}
Result<void> LinkConnection::send(const wire::Frame& frame) {
    return impl_->send(frame);
}
void LinkConnection::request(wire::Frame frame, std::chrono::milliseconds deadline, Completion<wire::Frame> done) {
    impl_->request_parts(std::move(frame), deadline, [done = std::move(done)](Result<wire::Frame> reply) {
        done(std::move(reply));
        return Reply::last_part;
    });
}
void LinkConnection::request_parts(wire::Frame frame, std::chrono::milliseconds deadline, PartHandler handler) {
    impl_->request_parts(std::move(frame), deadline, std::move(handler));
}
void LinkConnection::pause_reading() {
    impl_->set_reading(false);
}
void LinkConnection::resume_reading() {
    impl_->set_reading(true);
}
void LinkConnection::close() {
    impl_->close();
}
bool LinkConnection::is_open() const noexcept {
    return impl_->is_open();
}
std::size_t LinkConnection::queued_bytes() const noexcept {
    return impl_->queued_bytes();
}

}  // namespace melder::client
