// The safety number, over what this device would encrypt for: its own officer's devices and the other's, both asked for
// and verified as for a message, after the order log was confirmed.

#include "sdk/account/engine.hpp"
#include "sdk/account/known_devices.hpp"
#include "sdk/crypto/fingerprint.hpp"

namespace melder::sdk {
namespace {

std::vector<X25519Public> keys_of(const std::vector<Credential>& devices) {
    std::vector<X25519Public> keys;
    for (const auto& device : devices)
        keys.push_back(device.binding().identity_key);
    return keys;
}

std::vector<PeerDevice> described(const std::vector<Credential>& devices) {
    std::vector<PeerDevice> out;
    for (const auto& device : devices)
        out.push_back(describe(device));
    return out;
}

}  // namespace

void Engine::safety_number(OfficerId officer, OperationPtr<SafetyNumber> operation) {
    if (closed_) return operation->end(Errc::closed);
    if (!credential_) return operation->end(Errc::not_enrolled);
    if (locked_) return operation->end(Errc::locked);
    if (officer == credential_->officer()) return operation->end(Errc::bad_argument);
    if (connection_ != ConnectionState::online) return operation->end(Errc::not_connected);
    refresh([self = weak_from_this(), officer, operation] {
        const auto engine = self.lock();
        if (!engine || engine->closed_) return operation->end(Errc::closed);
        if (engine->locked_) return operation->end(Errc::locked);
        if (const auto fit = engine->judge_sealing(Lane::normal); fit.has_error()) return operation->end(fit.error());
        engine->fetch_covered(
            engine->credential_->officer(), [officer, operation](Engine& same, Result<std::vector<Credential>> own) {
                if (own.has_error()) return operation->end(own.error());
                same.fetch_covered(officer, [officer, operation, own = std::move(*own)](
                                                Engine& last, const Result<std::vector<Credential>>& theirs) {
                    if (theirs.has_error()) return operation->end(theirs.error());
                    if (theirs->empty()) return operation->end(Errc::not_found);
                    const auto self_id = last.credential_->officer();
                    operation->end(SafetyNumber{
                        officer, fingerprint_of({self_id.view(), keys_of(own)}, {officer.view(), keys_of(*theirs)}),
                        described(own), described(*theirs)});
                });
            });
    });
}

/// Devices in service: those that the server names, each verified; those that were verified before and that it does
/// not name (what it leaves out must show); this one, if they are its own officer's.
void Engine::fetch_covered(const OfficerId& officer,
                           std::function<void(Engine&, Result<std::vector<Credential>>)> then) {
    wire::Frame frame;
    frame.mutable_look_up()->set_officer_id(officer.string());
    link_->request(std::move(frame),
                   [self = weak_from_this(), officer, then = std::move(then)](const Result<wire::Frame>& reply) {
                       const auto engine = self.lock();
                       if (!engine) return;
                       then(*engine, engine->judge_covered(officer, reply));
                   });
}

Result<std::vector<Credential>> Engine::judge_covered(const OfficerId& officer, const Result<wire::Frame>& reply) {
    if (closed_) return Errc::closed;
    if (locked_) return Errc::locked;
    const bool nobody = reply.has_error() && reply.error() == Errc::not_found;
    if (reply.has_error() && !nobody) return reply.error();
    std::vector<Credential> devices;
    if (!nobody) {
        if (!reply->has_devices()) return Errc::malformed;
        if (reply->devices().officer_id() != officer.chars()) return Errc::credential_invalid;
        MELDER_TRY(devices, judge_devices(reply->devices()));
    }
    const auto add = [&](const Credential& more) {
        const auto same = [&](const Credential& one) { return one.device() == more.device(); };
        if (std::ranges::none_of(devices, same)) devices.push_back(more);
    };
    MELDER_TRY(const auto known, known_devices(vault_->begin(places_.clock.wall()), officer, trust_list(), book()));
    std::ranges::for_each(known, add);
    if (officer == credential_->officer()) add(*credential_);
    return devices;
}

}  // namespace melder::sdk
