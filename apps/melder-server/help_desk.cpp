#include "apps/melder-server/help_desk.hpp"

#include <algorithm>

namespace melder::apps {
namespace {

using wire::Frame;

Frame error_reply(const Error& error) {
    Frame reply;
    reply.mutable_error()->set_code(static_cast<std::uint32_t>(error.code()));
    reply.mutable_error()->set_detail(std::string(text_of(error.code())));
    return reply;
}

Frame aside_reply(const relay::Relay::Aside& aside) {
    Frame reply;
    auto& list = *reply.mutable_aside_list();
    for (const auto& entry : aside) {
        auto& out = *list.add_entries();
        out.set_lane(static_cast<wire::Lane>(entry.lane));
        out.set_envelope_id(entry.id.string());
        out.set_code(entry.marks.refusal_code);
        out.set_refusals(entry.marks.refusals);
        out.set_bytes(static_cast<std::uint32_t>(entry.bytes));
        out.set_expires_at_ms(static_cast<std::uint64_t>(std::max<std::int64_t>(0, entry.expires_at.ms)));
    }
    return reply;
}

}  // namespace

HelpDesk::HelpDesk(relay::Relay& relay, server::Executor home) : relay_(relay), home_(std::move(home)) {}

bool HelpDesk::serves(Frame::BodyCase body) noexcept {
    return body == Frame::kListAside || body == Frame::kReleaseAside;
}

void HelpDesk::on_open(server::Session& session) {
    if (session.peer().kind == server::Peer::Kind::admin) desks_[session.id()].session = &session;
}

void HelpDesk::on_close(const server::Session& session) {
    desks_.erase(session.id());
}

void HelpDesk::on_frame(server::Session& session, const Frame& frame) {
    const auto number = frame.request();
    const auto id = session.id();
    const auto desk = desks_.find(id);
    const auto refuse = [&](const Error& error) {
        auto reply = error_reply(error);
        reply.set_request(number);
        static_cast<void>(session.send(reply));
    };
    if (desk == desks_.end() ||
        std::ranges::find(session.peer().rights, Right::helpdesk) == session.peer().rights.end())
        return refuse(Errc::missing_right);
    if (desk->second.open >= limits::requests_per_session) return refuse(Errc::busy);
    const auto& named =
        frame.has_list_aside() ? frame.list_aside().enrolment_id() : frame.release_aside().enrolment_id();
    const auto device = EnrolmentId::from(named);
    if (device.has_error()) return refuse(device.error());
    if (frame.has_list_aside()) {
        ++desk->second.open;
        relay_.list_aside(*device, home_, [this, id, number](const Result<relay::Relay::Aside>& aside) {
            answer(id, number, aside.has_error() ? error_reply(aside.error()) : aside_reply(*aside));
        });
        return;
    }
    if (static_cast<std::size_t>(frame.release_aside().envelopes_size()) > limits::aside_envelopes)
        return refuse(Errc::too_large);
    std::vector<EnvelopeId> which;
    for (const auto& ref : frame.release_aside().envelopes()) {
        const auto envelope = EnvelopeId::from(ref.envelope_id());
        if (envelope.has_error()) return refuse(envelope.error());
        which.push_back(*envelope);
    }
    ++desk->second.open;
    relay_.release_aside(*device, std::move(which), home_, [this, id, number](const Result<std::size_t>& count) {
        Frame reply;
        if (count.has_value()) reply.mutable_aside_released()->set_count(static_cast<std::uint32_t>(*count));
        answer(id, number, count.has_error() ? error_reply(count.error()) : std::move(reply));
    });
}

void HelpDesk::answer(server::SessionId id, std::uint32_t number, Frame reply) {
    const auto desk = desks_.find(id);
    if (desk == desks_.end()) return;  // gone meanwhile
    --desk->second.open;
    reply.set_request(number);
    if (!desk->second.session->send(reply)) desk->second.session->close(Errc::busy);
}

}  // namespace melder::apps
