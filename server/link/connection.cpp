#include "server/link/connection.hpp"

#include <algorithm>

#include <sys/socket.h>
#include <boost/asio/post.hpp>

#include "core/random.hpp"
#include "proto/link.pb.h"
#include "server/link/access.hpp"

namespace melder::server {
namespace {

/// What one connection may read before the loop turns to the others.
constexpr std::size_t read_turn_bytes = 256 * 1024;
constexpr std::size_t resume_below_bytes = limits::outbox_bytes / 2;

LinkTime now() {
    return std::chrono::steady_clock::now();
}

CloseCode close_code_for(Errc reason) {
    switch (reason) {
        case Errc::malformed:
            return CloseCode::protocol_error;
        case Errc::too_large:
            return CloseCode::too_big;
        case Errc::shutting_down:
            return CloseCode::going_away;
        case Errc::internal:
            return CloseCode::internal_error;
        default:
            return CloseCode::policy;
    }
}

Errc error_for(CloseCode code) {
    return code == CloseCode::too_big ? Errc::too_large : Errc::malformed;
}

wire::Frame error_frame(std::uint32_t request, const Error& error) {
    wire::Frame frame;
    frame.set_request(request);
    auto& reply = *frame.mutable_error();
    reply.set_code(static_cast<std::uint32_t>(error.code()));
    reply.set_retry_after_ms(error.retry_after_ms());
    reply.set_detail(std::string(text_of(error.code())));  // never error.detail(): it may name a local file
    return frame;
}

/// A request of a newer client: there is a field besides `request`, and this version does not know it.
bool holds_unknown_body(const wire::Frame& frame) {
    wire::Frame bare;
    bare.set_request(frame.request());
    return frame.ByteSizeLong() > bare.ByteSizeLong();
}

}  // namespace

Connection::Connection(std::shared_ptr<LinkCore> core, SessionId id, int descriptor)
    : core_(std::move(core)),
      id_(id),
      descriptor_number_(descriptor),
      tls_(*core_->shared().tls, descriptor),
      codec_(limits::message_before_welcome_bytes),
      outbox_(core_->shared().budget),
      descriptor_(std::in_place, core_->context(), descriptor) {
    core_->shared().connections_alive.fetch_add(1, std::memory_order_relaxed);
}

Connection::~Connection() {
    core_->shared().connections_alive.fetch_sub(1, std::memory_order_release);
}

void Connection::start() {
    deadlines_.enter(Deadlines::Phase::handshake, now());
    schedule_check(deadlines_.since + core_->times().handshake);
    wait_read();
}

// ---- waiting --------------------------------------------------------------------------------------------------

void Connection::wait_read() {
    if (read_waits_ || !descriptor_.has_value()) return;
    read_waits_ = true;
    descriptor_->async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        if (error) return;  // the descriptor is gone
        self->read_waits_ = false;
        self->on_readable();
    });
}

void Connection::wait_write() {
    if (write_waits_ || !descriptor_.has_value()) return;
    write_waits_ = true;
    descriptor_->async_wait(Descriptor::wait_write,
                            [self = shared_from_this()](const boost::system::error_code& error) {
                                if (error) return;
                                self->write_waits_ = false;
                                if (self->phase_ == Phase::tls) return self->on_handshake();
                                self->deadlines_.hear(now());
                                if (std::exchange(self->read_needs_write_, false)) self->read_some();
                                self->flush();
                            });
}

void Connection::on_readable() {
    if (phase_ == Phase::tls) return on_handshake();
    read_some();
}

void Connection::schedule_check(LinkTime due) {
    if (check_tick_ != 0 && check_due_ <= due) return;  // looked at earlier anyway, and then scheduled again
    check_due_ = due;
    check_tick_ = core_->schedule(id_, due);
}

void Connection::on_tick(std::uint64_t tick) {
    if (tick != check_tick_ || phase_ == Phase::closed) return;
    check_tick_ = 0;
    const auto verdict = deadlines_.check(core_->times(), now());
    switch (verdict.due) {
        case Deadlines::Due::nothing:
            break;
        case Deadlines::Due::ping:
            // When bytes wait, the peer's reading of them is the sign of life.
            if (outbox_.empty()) outbox_.add_raw(server_control_frame(Opcode::ping, {}));
            flush();
            break;
        case Deadlines::Due::give_up:
            if (phase_ == Phase::open) core_->counters().dead_peers.add();
            if (phase_ != Phase::open && phase_ != Phase::closing) core_->counters().deadlines_missed.add();
            return drop();
    }
    if (phase_ != Phase::closed) schedule_check(verdict.next);
}

// ---- reading --------------------------------------------------------------------------------------------------

void Connection::on_handshake() {
    switch (tls_.handshake()) {
        case TlsStream::Status::done:
            core_->counters().handshakes.add();
            phase_ = Phase::upgrade;
            login_ = std::make_unique<LoginState>();
            return read_some();
        case TlsStream::Status::want_read:
            return wait_read();
        case TlsStream::Status::want_write:
            return wait_write();
        case TlsStream::Status::closed:
        case TlsStream::Status::failed:
            core_->counters().handshakes_failed.add();
            return drop();
    }
}

bool Connection::takes_input() const noexcept {
    if (phase_ == Phase::closing) return true;  // and throws it away
    return phase_ != Phase::closed && phase_ != Phase::moving && !paused_ && stash_ == nullptr;
}

/// True while frames may be handled; notes a pause for want of outbox room.
bool Connection::may_dispatch() noexcept {
    if (login_ != nullptr && login_->waiting) return false;
    if (outbox_.queued_bytes() <= limits::outbox_bytes) return true;
    if (!paused_) core_->counters().reads_paused.add();
    paused_ = true;
    return false;
}

void Connection::read_some() {
    std::size_t turn = 0;
    while (takes_input()) {
        if (turn >= read_turn_bytes) {
            // TLS may hold bytes that the socket no longer has, so the socket is no one to wait for.
            read_waits_ = true;
            boost::asio::post(core_->context(), [self = shared_from_this()] {
                self->read_waits_ = false;
                self->read_some();
            });
            return;
        }
        const auto buffer = core_->read_buffer();
        const auto outcome = tls_.read(buffer);
        switch (outcome.status) {
            case TlsStream::Status::done:
                turn += outcome.bytes;
                if (phase_ == Phase::closing) break;
                deadlines_.hear(now());
                feed(buffer.first(outcome.bytes));
                break;
            case TlsStream::Status::want_read:
                return wait_read();
            case TlsStream::Status::want_write:
                read_needs_write_ = true;
                return wait_write();
            case TlsStream::Status::closed:
            case TlsStream::Status::failed:
                return drop();
        }
    }
}

void Connection::feed(std::span<Byte> input) {
    if (phase_ == Phase::upgrade) on_upgrade(input);
    while (phase_ == Phase::login || phase_ == Phase::open) {
        if (!may_dispatch()) break;
        const auto event = codec_.next(input);
        if (!event.has_value()) return;
        switch (event->kind) {
            case WebSocketCodec::Event::Kind::message:
                on_message(event->payload, 0);
                break;
            case WebSocketCodec::Event::Kind::ping:
                outbox_.add_raw(server_control_frame(Opcode::pong, event->payload));
                core_->flush_soon(shared_from_this());
                break;
            case WebSocketCodec::Event::Kind::pong:
                break;
            case WebSocketCodec::Event::Kind::close:
                return begin_closing(event->code);
            case WebSocketCodec::Event::Kind::failed:
                return on_protocol_error(error_for(event->code), event->code);
        }
    }
    if (phase_ == Phase::login || phase_ == Phase::moving || phase_ == Phase::open) stash_input(input);
}

void Connection::stash_input(BytesView input) {
    if (input.empty()) return;
    if (stash_ == nullptr) stash_ = std::make_unique<Stash>();
    stash_->input.insert(stash_->input.end(), input.begin(), input.end());
}

void Connection::on_upgrade(std::span<Byte>& input) {
    const auto state = login_->upgrade.take(input);
    if (state == HttpUpgrade::State::need_more) return;
    outbox_.add_raw(view(login_->upgrade.response()));
    core_->flush_soon(shared_from_this());
    if (state == HttpUpgrade::State::refused) {
        core_->counters().handshakes_failed.add();
        return begin_closing(std::nullopt);
    }
    login_->upgrade = {};
    auto exporter = tls_.exporter();
    if (exporter.has_error()) return drop();
    login_->binding.exporter = *exporter;
    ByteArray<32> nonce{};
    system_random().fill(nonce);
    login_->binding.hello = core_->shared().authority.hello(nonce);
    wire::Frame frame;
    frame.set_hello(login_->binding.hello);
    queue(frame);
    phase_ = Phase::login;
    deadlines_.enter(Deadlines::Phase::login, now());
    schedule_check(deadlines_.since + core_->times().login);
}

void Connection::on_message(BytesView message, std::size_t already_read) {
    if (already_read == 0) core_->counters().messages_in.add();
    FrameReader reader(message, already_read);
    while (phase_ == Phase::login || phase_ == Phase::open) {
        if (!reader.rest().empty() && !may_dispatch()) {
            stash_ = std::make_unique<Stash>(Stash{to_bytes(reader.rest()), reader.count(), {}});
            break;
        }
        const auto next = reader.next();
        if (next.has_error()) return on_protocol_error(next.error().code(), close_code_for(next.error().code()));
        if (!next->has_value()) break;
        const auto encoded = **next;
        auto& frame = core_->scratch_frame();
        const bool parsed = frame.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()));
        const bool bodiless = parsed && frame.body_case() == wire::Frame::BODY_NOT_SET;
        if (!parsed || (bodiless && !holds_unknown_body(frame))) {
            return on_protocol_error(Errc::malformed, CloseCode::protocol_error);
        }
        core_->counters().frames_in.add();
        if (bodiless) {
            reply_error(frame.request(), Errc::unsupported);
        } else if (phase_ == Phase::login) {
            on_login_frame(frame);
        } else {
            on_session_frame(frame);
        }
    }
    if (phase_ == Phase::moving && !reader.rest().empty()) return refuse(0, Errc::out_of_order);
    if (phase_ == Phase::open) core_->handler().on_message_end(*this);
    core_->trim_scratch_frame(message.size());
}

void Connection::on_protocol_error(Errc code, CloseCode close_code) {
    core_->counters().protocol_errors.add();
    core_->shared().log.info("protocol_error", {{"session", id_}, {"code", code}});
    if (phase_ == Phase::open) core_->handler().on_message_end(*this);  // what came before it stands
    queue(error_frame(0, code));
    begin_closing(close_code);
}

// ---- login ----------------------------------------------------------------------------------------------------

void Connection::on_login_frame(const wire::Frame& frame) {
    switch (frame.body_case()) {
        case wire::Frame::kLogin:
            return on_login(frame.request(), frame.login());
        case wire::Frame::kAdminLogin:
            return on_login(frame.request(), frame.admin_login());
        case wire::Frame::kEnrol:
            return on_enrol(frame);
        case wire::Frame::kOfferTrustList:
            return on_offer(frame);
        default:
            return refuse(frame.request(), Errc::out_of_order);
    }
}

template <class Message>
void Connection::on_login(std::uint32_t request, const Message& message) {
    auto verified = verify_login(core_->shared().authority, login_->binding, message);
    if (verified.has_error()) {
        core_->counters().refused_logins.add();
        core_->shared().log.info("login_refused", {{"session", id_}, {"code", verified.error().code()}});
        return refuse(request, verified.error());
    }
    login_->verified = std::move(*verified);
    login_->request = request;
    phase_ = Phase::moving;
    core_->flush_soon(shared_from_this());  // moves once nothing waits here any more
}

void Connection::on_enrol(const wire::Frame& frame) {
    auto body = verify_enrolment(core_->shared().authority, login_->binding, frame.enrol());
    if (body.has_error()) {
        core_->counters().refused_logins.add();
        core_->shared().log.info("enrolment_refused", {{"session", id_}, {"code", body.error().code()}});
        return refuse(frame.request(), body.error());
    }
    login_->waiting = true;
    core_->shared().authority.enrol(std::move(*body),
                                    [core = core_, id = id_, request = frame.request()](Result<std::string> enrolled) {
                                        core->post([id, request, enrolled = std::move(enrolled)](LinkCore& here) {
                                            if (const auto connection = here.find(id))
                                                connection->finish_enrol(request, enrolled);
                                        });
                                    });
}

void Connection::finish_enrol(std::uint32_t request, const Result<std::string>& encoded_enrolled) {
    if (phase_ != Phase::login) return;
    login_->waiting = false;
    if (encoded_enrolled.has_error()) {
        core_->shared().log.info("enrolment_refused", {{"session", id_}, {"code", encoded_enrolled.error().code()}});
        return refuse(request, encoded_enrolled.error());
    }
    wire::Frame frame;
    frame.set_request(request);
    if (!frame.mutable_enrolled()->ParseFromString(*encoded_enrolled)) return refuse(request, Errc::internal);
    core_->counters().enrolments.add();
    queue(frame);
    deadlines_.enter(Deadlines::Phase::login, now());  // the device may log in on the same connection
    resume();
}

void Connection::on_offer(const wire::Frame& frame) {
    if (offer_waits_) return reply_error(frame.request(), Errc::busy);
    auto list = SignedBytes::from(frame.offer_trust_list().trust_list());
    if (list.has_error()) return reply_error(frame.request(), list.error());
    offer_waits_ = true;
    if (login_ != nullptr) login_->waiting = true;
    core_->shared().authority.offer_trust_list(
        std::move(*list), [core = core_, id = id_, request = frame.request()](Result<void> outcome) {
            core->post([id, request, outcome = std::move(outcome)](LinkCore& here) {
                if (const auto connection = here.find(id)) connection->finish_offer(request, outcome);
            });
        });
}

void Connection::finish_offer(std::uint32_t request, const Result<void>& outcome) {
    offer_waits_ = false;
    if (login_ != nullptr) login_->waiting = false;
    if (phase_ != Phase::login && phase_ != Phase::open) return;
    if (outcome.has_error()) {
        reply_error(request, outcome.error());
    } else {
        wire::Frame frame;
        frame.set_request(request);
        frame.mutable_done();
        queue(frame);
    }
    resume();
}

// ---- session --------------------------------------------------------------------------------------------------

/// Socket and SSL* change loops together. Nothing waits on the socket here: read_some stopped at `moving`, and the
/// outbox is empty.
void Connection::move_home() {
    const auto& peer = login_->verified->peer;
    const auto home_index =
        peer.kind == Peer::Kind::admin ? 0 : home_core_of(peer.device, core_->shared().cores.size());
    auto home = core_->shared().cores[home_index]->shared_from_this();
    core_->forget(*this);
    if (home != core_) {
        descriptor_number_ = descriptor_->release();
        descriptor_.reset();
    }
    const auto self = shared_from_this();
    home->post([self](LinkCore& here) { here.adopt(self); });
}

void Connection::settle(std::shared_ptr<LinkCore> home) {
    core_ = std::move(home);
    check_tick_ = 0;
    if (!descriptor_.has_value()) descriptor_.emplace(core_->context(), descriptor_number_);
    schedule_check(deadlines_.since + core_->times().login);
}

void Connection::open(Peer peer) {
    wire::Frame frame;
    frame.set_request(login_->request);
    login_.reset();
    peer_ = std::move(peer);
    phase_ = Phase::open;
    opened_ = true;
    codec_.set_longest_message(limits::message_bytes);
    deadlines_.enter(Deadlines::Phase::open, now());
    schedule_check(deadlines_.heard + core_->times().ping);

    auto& counters = core_->counters();
    counters.sessions.add();
    (peer_.kind == Peer::Kind::device       ? counters.logins
     : peer_.kind == Peer::Kind::restricted ? counters.restricted_logins
                                            : counters.admin_logins)
        .add();
    auto& welcome = *frame.mutable_welcome();
    welcome.set_version(limits::highest_protocol);
    welcome.set_restricted(peer_.kind == Peer::Kind::restricted);
    welcome.set_submit_credit(limits::submit_credit);
    welcome.set_submit_credit_bytes(limits::submit_credit_bytes);
    welcome.set_ping_interval_ms(static_cast<std::uint32_t>(core_->times().ping.count()));
    core_->shared().authority.fill_welcome(peer_, welcome);
    core_->handler().on_open(*this, welcome);
    if (phase_ != Phase::open) return;  // the handler closed it
    queue(frame);
    core_->handler().on_ready(*this);
    resume();
}

void Connection::on_session_frame(wire::Frame& frame) {
    if (!may_send(peer_.kind, frame.body_case())) {
        core_->counters().refused_frames.add();
        return reply_error(frame.request(), Errc::not_allowed);
    }
    if (frame.has_offer_trust_list()) return on_offer(frame);
    core_->handler().on_frame(*this, frame);
}

void Connection::replace() {
    if (phase_ == Phase::open) {
        core_->counters().replaced.add();
        wire::Frame frame;
        frame.mutable_replaced();
        queue(frame);
        begin_closing(CloseCode::normal);
    }
    announce_close();
}

/// Goes on where reading or handling stopped.
void Connection::resume() {
    if (resuming_) return;
    resuming_ = true;
    paused_ = false;
    while (stash_ != nullptr && (phase_ == Phase::login || phase_ == Phase::open) && may_dispatch()) {
        const auto stash = std::move(stash_);
        if (!stash->message.empty()) on_message(stash->message, stash->frames);
        if (stash_ != nullptr) {
            stash_->input = std::move(stash->input);
            break;
        }
        feed(stash->input);
    }
    resuming_ = false;
    // When nobody waits for the socket, reading stopped for one of the reasons that are now gone.
    if (!read_waits_ && phase_ != Phase::closed) read_some();
}

// ---- writing --------------------------------------------------------------------------------------------------

bool Connection::has_room_for(std::size_t framed, bool is_reply) {
    if (phase_ != Phase::open) return false;
    if (framed > limits::message_bytes) {
        core_->shared().log.error("frame_too_large", {{"session", id_}, {"bytes", framed}});
        close(Errc::internal);
        return false;
    }
    const bool in_process = outbox_.budget_has_room(framed);
    const auto limit = is_reply ? limits::outbox_hard_bytes : limits::outbox_bytes;
    if (in_process && outbox_.queued_bytes() + framed <= limit) return true;
    core_->counters().outbox_refused.add();
    if (is_reply) {
        close(Errc::busy);  // it asks for more than it reads
    } else {
        wants_writable_ = true;
        if (!in_process) core_->wake_at_tick(shared_from_this());
    }
    return false;
}

bool Connection::send(const wire::Frame& frame) {
    const auto size = frame.ByteSizeLong();
    if (!has_room_for(framed_bytes(size), frame.request() != 0)) return false;
    core_->counters().frames_out.add();
    outbox_.add(frame, size);
    core_->flush_soon(shared_from_this());
    return true;
}

bool Connection::send_encoded(BytesView frame) {
    if (!has_room_for(framed_bytes(frame.size()), false)) return false;
    core_->counters().frames_out.add();
    outbox_.add(frame);
    core_->flush_soon(shared_from_this());
    return true;
}

/// The link's own frames: few, small, and never refused.
void Connection::queue(const wire::Frame& frame) {
    core_->counters().frames_out.add();
    outbox_.add(frame, frame.ByteSizeLong());
    core_->flush_soon(shared_from_this());
}

void Connection::reply_error(std::uint32_t request, const Error& error) {
    queue(error_frame(request, error));
}

std::size_t Connection::outbox_room_bytes() const noexcept {
    if (phase_ != Phase::open) return 0;
    return limits::outbox_bytes - std::min(limits::outbox_bytes, outbox_.queued_bytes());
}

void Connection::flush() {
    if (phase_ == Phase::closed || phase_ == Phase::tls || write_waits_) return;
    while (!outbox_.empty()) {
        const auto outcome = tls_.write(outbox_.front());
        switch (outcome.status) {
            case TlsStream::Status::done:
                outbox_.consume(outcome.bytes);
                break;
            case TlsStream::Status::want_write:
                wait_write();
                return after_progress();
            case TlsStream::Status::want_read:  // TLS 1.3 never asks for this
            case TlsStream::Status::closed:
            case TlsStream::Status::failed:
                return drop();
        }
    }
    after_flush();
}

void Connection::after_flush() {
    if (phase_ == Phase::moving) return move_home();
    if (phase_ != Phase::closing) return after_progress();
    if (said_goodbye_) return;
    // Reading goes on until the peer closes: unread bytes would turn our end into a reset that swallows the last words.
    said_goodbye_ = true;
    tls_.shutdown();
    ::shutdown(descriptor_number_, SHUT_WR);
    if (!read_waits_) read_some();
}

void Connection::after_progress() {
    if (wants_writable_ && outbox_room_bytes() >= limits::outbox_bytes / 2) notify_writable();
    if ((paused_ || stash_ != nullptr) && outbox_.queued_bytes() <= resume_below_bytes) resume();
}

void Connection::notify_writable() {
    if (!wants_writable_ || phase_ != Phase::open) return;
    wants_writable_ = false;
    core_->handler().on_writable(*this);
}

// ---- the end --------------------------------------------------------------------------------------------------

void Connection::close(Errc reason) {
    if (phase_ != Phase::open) return;
    queue(error_frame(0, reason));
    begin_closing(close_code_for(reason));
}

void Connection::refuse(std::uint32_t request, const Error& error) {
    queue(error_frame(request, error));
    begin_closing(close_code_for(error.code()));
}

void Connection::begin_closing(std::optional<CloseCode> code) {
    if (phase_ == Phase::closing || phase_ == Phase::closed) return;
    if (code.has_value()) outbox_.add_raw(server_close_frame(*code));
    phase_ = Phase::closing;
    stash_.reset();
    paused_ = false;
    deadlines_.enter(Deadlines::Phase::closing, now());
    schedule_check(deadlines_.since + core_->times().closing);
    core_->flush_soon(shared_from_this());
    if (opened_) core_->announce_close_soon(shared_from_this());
}

void Connection::drop() {
    if (phase_ == Phase::closed) return;
    phase_ = Phase::closed;
    outbox_.clear();
    stash_.reset();
    descriptor_.reset();
    core_->forget(*this);
    if (opened_) core_->announce_close_soon(shared_from_this());
}

void Connection::announce_close() {
    if (!opened_ || announced_) return;
    announced_ = true;
    core_->counters().sessions.subtract();
    core_->forget_device(*this);
    core_->handler().on_close(*this);
}

}  // namespace melder::server
