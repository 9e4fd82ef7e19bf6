#include "keyserver/keyserver_core.hpp"

#include "core/limits.hpp"
#include "keyserver/requests.hpp"

namespace melder::keyserver {
namespace {

constexpr std::uint32_t busy_retry_ms = 1000;

}  // namespace

KeyserverCore::KeyserverCore(Keyserver& keyserver, KeyserverLanes& lanes, server::Executor home, FillStatus fill_status)
    : keyserver_(keyserver), lanes_(lanes), home_(std::move(home)), fill_status_(std::move(fill_status)) {}

bool KeyserverCore::serves(wire::Frame::BodyCase body) noexcept {
    switch (body) {
        case wire::Frame::kUploadPrekeys:
        case wire::Frame::kTakeBundles:
        case wire::Frame::kCheckPrekeys:
        case wire::Frame::kLookUp:
        case wire::Frame::kSearchOfficers:
        case wire::Frame::kFetchTrustList:
        case wire::Frame::kFetchLog:
        case wire::Frame::kFetchStatement:
        case wire::Frame::kFetchOwnGrant:
        case wire::Frame::kFetchGrant:
        case wire::Frame::kListDevices:
        case wire::Frame::kShowDevice:
        case wire::Frame::kFindOfficers:
        case wire::Frame::kStatus:
        case wire::Frame::kFetchOrderState:
        case wire::Frame::kFetchOrderStates:
        case wire::Frame::kListUnits:
            return true;
        default:
            return is_write(body);
    }
}

void KeyserverCore::on_open(server::Session& session, wire::Welcome& welcome) {
    sessions_[session.id()].session = &session;
    if (session.peer().kind != server::Peer::Kind::admin) keyserver_.note_login(session.peer());
    if (session.peer().kind != server::Peer::Kind::device) return;
    devices_[session.peer().device] = session.id();
    const auto level = keyserver_.prekey_level(session.peer().device);
    welcome.set_prekeys_low(level && *level < limits::one_time_refill_below);
}

/// Welcome said it, if it was known; else the store is asked.
void KeyserverCore::on_ready(server::Session& session) {
    if (session.peer().kind != server::Peer::Kind::device) return;
    if (const auto level = keyserver_.prekey_level(session.peer().device)) {
        if (*level < limits::one_time_refill_below) tell_prekeys_low(session.peer().device, *level);
        return;
    }
    lanes_.reads([this, device = session.peer().device, peer = session.peer()] {
        const auto digest = keyserver_.check_prekeys(peer);
        if (digest.has_error() || digest->one_time_count() >= limits::one_time_refill_below) return;
        home_([this, device, count = digest->one_time_count()] { tell_prekeys_low(device, count); });
    });
}

void KeyserverCore::tell_prekeys_low(const EnrolmentId& device, std::uint32_t one_time_count) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return;
    wire::Frame frame;
    frame.mutable_prekeys_low()->set_one_time_count(one_time_count);
    // A notice that finds no room is no loss: the client asks every 12 hours and at its next connect.
    (void)sessions_.at(found->second).session->send(frame);
}

void KeyserverCore::on_frame(server::Session& session, wire::Frame& frame) {
    auto& waiting = sessions_.at(session.id());
    if (waiting.frames.size() >= limits::requests_per_session || lanes_.waiting >= limits::keyserver_requests) {
        counters_.refusals.add(Errc::busy);
        (void)session.send(error_frame(frame.request(), Error(Errc::busy, busy_retry_ms)));
        return;
    }
    waiting.frames.push_back(std::move(frame));
    ++lanes_.waiting;
    if (!waiting.busy) start_next(session.id());
}

void KeyserverCore::start_next(server::SessionId id) {
    auto& waiting = sessions_.at(id);
    if (waiting.frames.empty()) return;
    waiting.busy = true;
    auto frame = std::move(waiting.frames.front());
    waiting.frames.pop_front();
    const auto& lane = is_write(frame.body_case()) ? lanes_.writes : lanes_.reads;
    const RequestMark mark(frame);
    lane([this, id, mark, peer = waiting.session->peer(), frame = std::move(frame)] {
        auto replies = answer(keyserver_, peer, frame);
        const bool has_status = replies.size() == 1 && replies.front().has_device_status();
        if (!has_status || !fill_status_) return finish_from_lane(id, mark, std::move(replies));
        fill_status_(replies.front().device_status(),
                     [this, id, mark, number = frame.request()](wire::DeviceStatus status) {
                         wire::Frame reply;
                         reply.set_request(number);
                         *reply.mutable_device_status() = std::move(status);
                         finish_from_lane(id, mark, {std::move(reply)});
                     });
    });
}

void KeyserverCore::finish_from_lane(server::SessionId id, const RequestMark& mark, std::vector<wire::Frame> replies) {
    home_([this, id, mark, replies = std::move(replies)]() mutable {
        counters_.count(mark, replies);
        finish(id, std::move(replies));
    });
}

void KeyserverCore::finish(server::SessionId id, std::vector<wire::Frame> replies) {
    --lanes_.waiting;
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    auto& waiting = found->second;
    waiting.busy = false;
    for (const auto& reply : replies) {
        if (!waiting.session->send(reply)) {
            waiting.session->close(Errc::busy);
            return;
        }
    }
    start_next(id);
}

void KeyserverCore::on_close(server::Session& session) {
    const auto found = sessions_.find(session.id());
    if (found == sessions_.end()) return;
    lanes_.waiting -= found->second.frames.size();
    sessions_.erase(found);
    const auto device = devices_.find(session.peer().device);
    if (device != devices_.end() && device->second == session.id()) devices_.erase(device);
}

}  // namespace melder::keyserver
