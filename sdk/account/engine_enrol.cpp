// Enrolment: the keys are durable before the first byte about them leaves, so that a lost answer can be asked for
// again; the credential is believed only after it was verified as anybody else would.

#include <system_error>

#include "core/enrolment_code.hpp"
#include "proto/trust.pb.h"
#include "sdk/account/engine.hpp"

namespace melder::sdk {

namespace {
Result<void> make_directory(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (!error) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    if (error) return Error(Errc::io_error, "the vault's directory cannot be created");
    return ok();
}
}  // namespace

Result<OwnKeys*> Engine::keys_for(const EnrolmentId& device) {
    if (!vault_) {
        MELDER_CHECK(make_directory(options_.vault_directory));
        MELDER_CHECK(open_vault(true));
    }
    if (!keys_ || keys_->device != device) {
        auto keys = OwnKeys::make(device, places_.random);
        auto transaction = vault_->begin(places_.clock.wall());
        MELDER_CHECK(put_own_keys(transaction, keys));
        MELDER_CHECK(transaction.commit(Sync::durable));
        keys_ = std::move(keys);
    }
    return &*keys_;
}

void Engine::enrol(const Enrolment& enrolment, OperationPtr<PeerDevice> operation) {
    if (closed_) return operation->end(Errc::closed);
    if (credential_) return operation->end(Errc::already_enrolled);
    if (enrolling_) return operation->end(Error(Errc::busy, "another enrolment is on its way"));
    const auto code = EnrolmentCode::parse(enrolment.code);
    if (code.has_error()) return operation->end(code.error());
    auto seed = code->enrolment_seed(enrolment.second_part);
    if (seed.has_error()) return operation->end(seed.error());
    const auto keys = keys_for(code->enrolment_id());
    if (keys.has_error()) return operation->end(keys.error());
    const auto binding = (*keys)->binding();
    if (binding.has_error()) return operation->end(binding.error());
    auto document = sign_binding(*binding, *seed, (*keys)->identity.private_key, places_.random);

    enrolling_ = true;
    auto trust = server_trust();
    trust.lowest_version = std::max(trust.lowest_version, code->lowest_trust_list());
    link_->enrol(std::move(trust), code->enrolment_id(), std::move(document), std::move(*seed),
                 [self = weak_from_this(), operation](Result<LinkKeeper::Enrolled> answer) {
                     const auto engine = self.lock();
                     if (!engine || engine->closed_) return operation->end(Errc::closed);
                     engine->enrolling_ = false;
                     if (answer.has_error()) return operation->end(answer.error());
                     operation->end(engine->finish_enrolment(std::move(answer).value()));
                 });
}

Result<PeerDevice> Engine::finish_enrolment(LinkKeeper::Enrolled answer) {
    MELDER_TRY(auto credential, Credential::verify(answer.credential, *answer.hello.trust));
    MELDER_TRY(const auto binding, keys_->binding());
    const auto& certified = credential.binding();
    if (credential.device() != keys_->device || certified.identity_key != binding.identity_key ||
        certified.login_key != binding.login_key || certified.registration_id != binding.registration_id) {
        return Error(Errc::credential_invalid, "the server certified other keys than this device's");
    }
    if (answer.hello.trust->version() < credential.grant().lowest_trust_list) return Errc::trust_list_too_old;
    auto transaction = vault_->begin(places_.clock.wall());
    MELDER_CHECK(put_trust_list(transaction, *answer.hello.trust));
    MELDER_CHECK(put_own_credential(transaction, credential));
    MELDER_CHECK(transaction.commit(Sync::durable));
    trust_ = answer.hello.trust;
    lowest_trust_list_ = credential.grant().lowest_trust_list;
    credential_ = std::move(credential);
    publish();
    return describe(*credential_);
}

}  // namespace melder::sdk
