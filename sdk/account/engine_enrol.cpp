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

Result<void> Engine::make_keys(const EnrolmentId& device, const Ed25519Seed& seed) {
    if (!vault_) {
        MELDER_CHECK(make_directory(options_.vault_directory));
        MELDER_CHECK(open_vault(true));
    }
    if (device_ && device_->id() == device) return ok();
    auto made = OwnDevice::make(device, seed, places_.random);
    auto transaction = vault_->begin(places_.clock.wall());
    MELDER_CHECK(save_own_device(transaction, made));
    MELDER_CHECK(transaction.commit(Sync::durable));
    device_ = std::move(made);
    return ok();
}

void Engine::enrol(const Enrolment& enrolment, OperationPtr<PeerDevice> operation) {
    if (closed_) return operation->end(Errc::closed);
    if (credential_) return operation->end(Errc::already_enrolled);
    if (enrolling_) return operation->end(Error(Errc::busy, "another enrolment is on its way"));
    const auto code = EnrolmentCode::parse(enrolment.code);
    if (code.has_error()) return operation->end(code.error());
    auto seed = code->enrolment_seed(enrolment.second_part);
    if (seed.has_error()) return operation->end(seed.error());
    const bool asked_before = device_ && device_->id() == code->enrolment_id();
    if (const auto made = make_keys(code->enrolment_id(), *seed); made.has_error()) return operation->end(made.error());
    auto document = device_->signed_binding(*seed);
    if (document.has_error()) return operation->end(document.error());

    enrolling_ = true;
    auto trust = server_trust();
    trust.lowest_version = std::max(trust.lowest_version, code->lowest_trust_list());
    link_->enrol(std::move(trust), code->enrolment_id(), std::move(*document), std::move(*seed),
                 [self = weak_from_this(), operation, asked_before](Result<LinkKeeper::Enrolled> answer) {
                     const auto engine = self.lock();
                     if (!engine || engine->closed_) return operation->end(Errc::closed);
                     engine->enrolling_ = false;
                     if (answer.has_error()) {
                         return operation->end(engine->judge_refusal(answer.error(), asked_before));
                     }
                     operation->end(engine->finish_enrolment(std::move(answer).value()));
                 });
}

/// Bound to other keys: a code that somebody used before us is used up; but if these keys had asked for it before, the
/// other binding came in between, and that is for an administrator to hear of.
Error Engine::judge_refusal(const Error& why, bool asked_before) {
    if (why != Errc::already_bound) return why;
    if (!asked_before) return Errc::code_used;
    raise(TrustNotice{TrustNotice::Kind::own_binding_differs});
    return why;
}

Result<PeerDevice> Engine::finish_enrolment(LinkKeeper::Enrolled answer) {
    MELDER_TRY(auto credential, Credential::verify(answer.credential, *answer.hello.trust));
    if (!device_->is_certified_by(credential)) {
        return Error(Errc::credential_invalid, "the server certified other keys than this device's");
    }
    if (answer.hello.trust->version() < credential.grant().lowest_trust_list) return Errc::trust_list_too_old;
    TrustState trust(*answer.hello.trust, credential.grant().lowest_trust_list);
    // Over no nonce of ours, but signed: better than no time at all, and the first connection sets it right.
    if (answer.hello.statement) (void)clock_.guarded().on_other_statement(answer.hello.statement->time, clock_.boot());
    auto transaction = vault_->begin(places_.clock.wall());
    device_->identity.credential = credential.encoded();
    auto stored = save_own_device(transaction, *device_);
    if (!stored.has_error()) stored = put_trust(transaction, trust, TrustRows::all);
    if (!stored.has_error()) stored = put_clock(transaction, clock_);
    if (!stored.has_error()) stored = transaction.commit(Sync::durable);
    if (stored.has_error()) {
        device_->identity.credential.clear();
        return stored.error();
    }
    credential_ = std::move(credential);
    repair_.emplace(device_->id());
    believe(std::move(trust));
    publish();
    return describe(*credential_);
}

}  // namespace melder::sdk
