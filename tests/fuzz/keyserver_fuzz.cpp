// A logged-in peer's frames, as far as the keyserver: any frame that the session may send is answered, whatever is in
// it.

#include "keyserver/requests.hpp"
#include "server/link/access.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/keyserver/police_force.hpp"

namespace melder::fuzz {

namespace {

class Force final : public keyserver::testing::PoliceForce {
public:
    Force() : phone_(enrolled(meier_)) {
        require(upload(phone_, 1, 100) == Errc{});
        wire::PutDirectory put;
        auto& officer = *put.add_officers();
        officer.set_officer_id(meier_.string());
        officer.set_display_name("POK Müller");
        officer.set_service_number("4711");
        officer.add_unit("K5");
        require(keyserver_->put_directory(admin(chief_), put).has_value());
    }
    void TestBody() override {}

    void ask(const server::Peer& peer, const wire::Frame& request) {
        if (!server::may_send(peer.kind, request.body_case())) return;
        for (const auto& reply : keyserver::answer(*keyserver_, peer, request)) {
            require(reply.request() == request.request());
            require(reply.body_case() != wire::Frame::BODY_NOT_SET);
        }
    }
    [[nodiscard]] server::Peer peer(unsigned choice) const {
        if (choice == 0) return admin(chief_);
        auto device = peer_of(phone_);
        if (choice == 2) device.kind = server::Peer::Kind::restricted;
        return device;
    }

private:
    keyserver::testing::Phone phone_;
};

}  // namespace

void keyserver_request(BytesView input) {
    static Force force;
    const auto [who, rest] = chosen(input, 3);
    wire::Frame frame;
    if (frame.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) force.ask(force.peer(who), frame);
}

}  // namespace melder::fuzz
