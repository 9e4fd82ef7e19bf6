// What the keyserver says about others, and what this device makes of it.

#include "proto/trust.pb.h"
#include "sdk/account/engine.hpp"

namespace melder::sdk {

Result<std::vector<Credential>> Engine::judge_devices(const wire::Devices& devices) const {
    MELDER_TRY(const auto officer, OfficerId::from(devices.officer_id()));
    std::vector<Credential> active;
    for (const auto& encoded : devices.credentials()) {
        MELDER_TRY(auto credential, Credential::verify(encoded, trust_list()));
        if (credential.officer() != officer || credential.grant().app != credential_->grant().app) {
            return Error(Errc::credential_invalid, "the server named a device of somebody else");
        }
        if (trust_->judge_recipient(credential, places_.clock.wall()).has_error()) continue;
        active.push_back(std::move(credential));
    }
    return active;
}

void Engine::look_up(wire::LookUp query, OperationPtr<OfficerInfo> operation) {
    if (closed_) return operation->end(Errc::closed);
    if (!credential_) return operation->end(Errc::not_enrolled);
    wire::Frame frame;
    const auto asked = query;
    *frame.mutable_look_up() = std::move(query);
    link_->request(std::move(frame), [self = weak_from_this(), operation, asked](Result<wire::Frame> reply) {
        const auto engine = self.lock();
        if (!engine || engine->closed_) return operation->end(Errc::closed);
        if (reply.has_error()) return operation->end(reply.error());
        if (!reply->has_devices()) return operation->end(Errc::malformed);
        const auto judged = engine->judge_devices(reply->devices());
        if (judged.has_error()) return operation->end(judged.error());
        OfficerInfo info{OfficerId::from(reply->devices().officer_id()).value(), {}};
        for (const auto& credential : *judged)
            info.devices.push_back(describe(credential));
        if (asked.has_officer_id() && info.officer.string() != asked.officer_id()) {
            return operation->end(Error(Errc::credential_invalid, "the server answered for another officer"));
        }
        for (const auto& device : info.devices) {
            if (asked.has_service_number() && device.service_number != asked.service_number()) {
                return operation->end(
                    Error(Errc::credential_invalid, "the server answered for another service number"));
            }
        }
        if (info.devices.empty()) return operation->end(Errc::not_found);
        operation->end(std::move(info));
    });
}

}  // namespace melder::sdk
