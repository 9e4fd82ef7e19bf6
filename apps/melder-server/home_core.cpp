#include "apps/melder-server/home_core.hpp"

#include "proto/link.pb.h"

namespace melder::apps {
namespace {

/// The relay serves devices with full rights only.
bool has_mail(const server::Session& session) {
    return session.peer().kind == server::Peer::Kind::device;
}

server::Executor executor_of(server::EventLoops& loops, std::size_t core) {
    return [&loops, core](std::function<void()> work) { loops.post_to(core, std::move(work)); };
}

void add_mail(wire::DeviceStatus& status, const relay::Relay::DeviceMail& mail, UnixTime started) {
    status.set_errors_since_s(static_cast<std::uint64_t>(started.seconds()));
    status.set_connected(mail.connected);
    if (mail.presence) {
        // A connection that lasts is newer than the login in the store.
        const auto seen = static_cast<std::uint64_t>(mail.presence->last_seen_day_s);
        status.set_last_seen_s(std::max<std::uint64_t>(seen, status.last_seen_s()));
        for (const auto& refusals : mail.presence->refusals) {
            auto& out = *status.add_last_errors();
            out.set_code(static_cast<std::uint32_t>(refusals.code));
            out.set_day_s(static_cast<std::uint64_t>(refusals.day_s));
            out.set_count(refusals.count);
        }
    }
    for (const auto lane : drain_order) {
        const auto& summary = mail.mailbox.lanes[static_cast<std::size_t>(lane)];
        auto& out = *status.add_lanes();
        out.set_lane(static_cast<wire::Lane>(lane));
        out.set_waiting(summary.waiting);
        out.set_aside(summary.aside);
        out.set_oldest_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(0, summary.oldest.ms)));
    }
}

/// What the relay knows of a device; without an answer from its store the status stays as it is.
keyserver::KeyserverCore::FillStatus fill_from(relay::Relay& relay, const server::Executor& home, UnixTime started) {
    return [&relay, home, started](wire::DeviceStatus status, std::function<void(wire::DeviceStatus)> done) {
        const auto device = EnrolmentId::from(status.device().enrolment_id());
        if (device.has_error()) return done(std::move(status));
        relay.load_mail(*device, home,
                        [status = std::move(status), done = std::move(done),
                         started](Result<relay::Relay::DeviceMail> mail) mutable {
                            if (mail.has_value()) add_mail(status, *mail, started);
                            done(std::move(status));
                        });
    };
}

}  // namespace

HomeCore::HomeCore(std::size_t core, server::EventLoops& loops, relay::Relay& relay, keyserver::Keyserver& keyserver,
                   keyserver::KeyserverLanes& lanes, UnixTime started)
    : relay_(relay.core(core)),
      keyserver_(keyserver, lanes, executor_of(loops, core), fill_from(relay, executor_of(loops, core), started)),
      help_desk_(relay, executor_of(loops, core)) {}

void HomeCore::on_open(server::Session& session, wire::Welcome& welcome) {
    keyserver_.on_open(session, welcome);
    help_desk_.on_open(session);
    if (has_mail(session)) relay_.on_open(session, welcome);
}

void HomeCore::on_ready(server::Session& session) {
    keyserver_.on_ready(session);
    if (has_mail(session)) relay_.on_ready(session);
}

void HomeCore::on_frame(server::Session& session, wire::Frame& frame) {
    if (keyserver::KeyserverCore::serves(frame.body_case())) return keyserver_.on_frame(session, frame);
    if (HelpDesk::serves(frame.body_case())) return help_desk_.on_frame(session, frame);
    if (has_mail(session) && relay_.on_frame(session, frame)) return;
    wire::Frame reply;
    reply.set_request(frame.request());
    reply.mutable_error()->set_code(static_cast<std::uint32_t>(Errc::unsupported));
    if (!session.send(reply)) session.close(Errc::busy);
}

void HomeCore::on_message_end(server::Session& session) {
    keyserver_.on_message_end(session);
    if (has_mail(session)) relay_.on_message_end(session);
}

void HomeCore::on_writable(server::Session& session) {
    keyserver_.on_writable(session);
    if (has_mail(session)) relay_.on_writable(session);
}

void HomeCore::on_close(server::Session& session) {
    keyserver_.on_close(session);
    help_desk_.on_close(session);
    if (has_mail(session)) relay_.on_close(session);
}

void HomeCore::on_shutdown(std::function<void()> done) {
    relay_.on_shutdown(std::move(done));
}

void HomeCore::tell_prekeys_low(const EnrolmentId& device, std::uint32_t one_time_count) {
    keyserver_.tell_prekeys_low(device, one_time_count);
}

}  // namespace melder::apps
