// From the HTTP upgrade to Welcome on the home core.

#include "core/limits.hpp"
#include "core/random.hpp"
#include "proto/link.pb.h"
#include "server/link/connection.hpp"

namespace melder::server {
namespace {

LinkTime now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

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
        count_refused_login(verified.error().code());
        core_->shared().log.info("login_refused", {{"session", id_}, {"code", verified.error().code()}});
        return refuse(request, verified.error());
    }
    login_->verified = std::move(*verified);
    login_->request = request;
    phase_ = Phase::moving;                                                        // reads no more
    if (!login_->verified->unknown) return core_->flush_soon(shared_from_this());  // moves once nothing waits here
    login_->waiting = true;
    core_->shared().authority.admit(login_->verified->body, [core = core_, id = id_](Result<void> outcome) {
        core->post([id, outcome = std::move(outcome)](LinkCore& here) {
            if (const auto connection = here.find(id)) connection->finish_admit(outcome);
        });
    });
}

void Connection::finish_admit(const Result<void>& outcome) {
    if (phase_ != Phase::moving) return;
    login_->waiting = false;
    if (outcome.has_error()) {
        count_refused_login(outcome.error().code());
        core_->shared().log.info("login_refused", {{"session", id_}, {"code", outcome.error().code()}});
        return refuse(login_->request, outcome.error());
    }
    core_->flush_soon(shared_from_this());
}

void Connection::count_refused_login(Errc code) {
    core_->counters().refused_logins.add();
    core_->counters().login_refusals.add(code);
}

void Connection::on_enrol(const wire::Frame& frame) {
    const auto wait = core_->shared().admission.on_enrolment(place_.source(), now());
    if (wait > std::chrono::milliseconds(0)) {
        count_refused_login(Errc::busy);
        return refuse(frame.request(), Error(Errc::busy, static_cast<std::uint32_t>(wait.count())));
    }
    auto body = verify_enrolment(core_->shared().authority, login_->binding, frame.enrol());
    if (body.has_error()) {
        count_refused_login(body.error().code());
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
        count_refused_login(encoded_enrolled.error().code());
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
    place_.release();
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

}  // namespace melder::server
