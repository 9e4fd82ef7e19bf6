// From the server's Hello to Welcome.

#include "client/link_connection_impl.hpp"

namespace melder::client {

namespace asio = boost::asio;

void LinkConnection::Impl::on_hello(const std::string& encoded) {
    const auto spki = socket_->tls().engine().peer_spki();
    auto judged = spki.has_error() ? Result<ServerHello>(spki.error()) : judge_server(view(encoded), *spki, trust_);
    if (judged.has_error()) return end(judged.error());
    hello_ = std::move(*judged);
    hello_.certificate_ends = socket_->tls().engine().peer_certificate_ends();
    phase_ = Phase::greeted;
    liveness_.on_reading(SteadyClock::now());
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

}  // namespace melder::client
