// What the keyserver says about others, and what this device makes of it.

#include "proto/trust.pb.h"
#include "sdk/account/engine.hpp"
#include "sdk/account/known_devices.hpp"
#include "sdk/vault/boot_rows.hpp"

namespace melder::sdk {

Result<std::vector<Credential>> Engine::judge_devices(const wire::Devices& devices) {
    MELDER_TRY(const auto officer, OfficerId::from(devices.officer_id()));
    std::vector<Credential> active;
    for (const auto& encoded : devices.credentials()) {
        MELDER_TRY(auto credential, Credential::verify(encoded, trust_list()));
        if (credential.officer() != officer || credential.grant().app != credential_->grant().app) {
            return Error(Errc::credential_invalid, "the server named a device of somebody else");
        }
        if (credential.device() == device_->id() && !device_->is_certified_by(credential)) {
            return find_other_binding(credential);
        }
        if (trust_->judge_recipient(credential, places_.clock.wall()).has_error()) continue;
        active.push_back(std::move(credential));
    }
    return active;
}

Error Engine::find_other_binding(const Credential& other) {
    if (!std::exchange(other_binding_, true)) {
        auto transaction = vault_->begin(places_.clock.wall());
        auto kept = put_boot(transaction, BootValue::own_binding_conflict, other.encoded());
        if (!kept.has_error()) kept = transaction.commit(Sync::durable);
        raise(TrustNotice{TrustNotice::Kind::own_binding_differs});
    }
    return Errc::already_bound;
}

/// The officer's other devices get a copy of what this one writes. One that is enrolled while this device is online is
/// learned of with the next connection.
void Engine::fetch_own_devices() {
    wire::Frame frame;
    frame.mutable_look_up()->set_officer_id(credential_->officer().string());
    link_->request(std::move(frame), [self = weak_from_this()](const Result<wire::Frame>& reply) {
        const auto engine = self.lock();
        if (!engine || engine->closed_ || reply.has_error() || !reply->has_devices()) return;
        const auto devices = engine->judge_devices(reply->devices());
        if (devices.has_error() || reply->devices().officer_id() != engine->credential_->officer().chars()) return;
        auto transaction = engine->vault_->begin(engine->places_.clock.wall());
        if (remember_devices(transaction, engine->credential_->officer(), *devices).has_error()) return;
        if (!transaction.commit(Sync::deferred).has_error()) engine->own_others_ = *devices;
    });
}

Result<void> Engine::load_own_devices() {
    MELDER_TRY(own_others_,
               known_devices(vault_->begin(places_.clock.wall()), credential_->officer(), trust_list(), book()));
    return ok();
}

std::vector<Credential> Engine::own_others() const {
    std::vector<Credential> out;
    for (const auto& device : own_others_) {
        const bool other = device.device() != device_->id();
        if (other && trust_->judge_recipient(device, places_.clock.wall()).has_value()) out.push_back(device);
    }
    return out;
}

/// The last step of a refresh, if the server holds a newer version of this device's grant; one whose time is over asks
/// each time whether there is one.
void Engine::fetch_own_grant() {
    const bool over = !credential_->valid_at(clock_.wall());
    if (own_grant_version_ <= credential_->grant().version && !over) return end_refresh();
    wire::Frame frame;
    frame.mutable_fetch_own_grant();
    ask(std::move(frame), [](Engine& engine, const Result<wire::Frame>& reply) {
        engine.own_grant_version_ = 0;  // an answer that does not count is not asked for again on this connection
        const bool renewed =
            reply.has_value() && reply->has_own_grant() && engine.renew(reply->own_grant().credential()).has_value();
        if (!renewed || engine.connection_ != ConnectionState::restricted) return engine.end_refresh();
        engine.disconnect();  // the next login is that of a device whose time is not over
        engine.connect();
    });
}

Result<void> Engine::renew(const wire::Credential& offered) {
    MELDER_TRY(auto credential, Credential::verify(offered, trust_list()));
    if (credential.device() != device_->id()) return Errc::credential_invalid;
    if (!device_->is_certified_by(credential)) return find_other_binding(credential);
    MELDER_TRY(const auto document, SignedBytes::from(offered.grant()));
    MELDER_CHECK(verify_grant(document, trust_list(), &credential_->grant()));
    auto former = std::exchange(device_->identity.credential, credential.encoded());
    auto transaction = vault_->begin(places_.clock.wall());
    auto kept = save_own_device(transaction, *device_);
    if (!kept.has_error()) kept = transaction.commit(Sync::durable);
    if (kept.has_error()) {
        device_->identity.credential = std::move(former);
        return kept;
    }
    credential_ = std::move(credential);
    trust_->raise_floor(credential_->grant().lowest_trust_list);
    trust_changed_ = true;
    publish();
    return ok();
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
