// The stock of prekeys: what PrekeyLogic decides is committed before it is uploaded.

#include "sdk/account/engine.hpp"
#include "sdk/account/prekey_stock.hpp"

namespace melder::sdk {

void Engine::run_prekeys(const PrekeyLogic::Actions& actions) {
    for (const auto& action : actions) {
        if (std::holds_alternative<AskDigest>(action)) {
            wire::Frame frame;
            frame.mutable_check_prekeys();
            link_->request(std::move(frame), [self = weak_from_this()](Result<wire::Frame> reply) {
                const auto engine = self.lock();
                if (!engine || engine->closed_ || reply.has_error() || !reply->has_prekey_digest()) return;
                engine->on_digest(reply->prekey_digest());
            });
        } else if (const auto* make = std::get_if<MakePrekeys>(&action)) {
            if (upload_prekeys(*make).has_error()) prekeys_.on_upload_failed();
        }
    }
}

void Engine::on_digest(const wire::PrekeyDigest& digest) {
    const auto hash = Hash::from(digest.sha256());
    if (hash.has_error()) return;
    server_prekeys_ = digest.one_time_count();
    const auto transaction = vault_->begin(places_.clock.wall());
    const auto own = [&](std::uint32_t count) -> std::optional<Hash> {
        const auto mine = prekey_digest(transaction, count);
        return mine.has_error() ? std::nullopt : *mine;
    };
    run_prekeys(
        prekeys_.on_digest({digest.signed_prekey_id(), digest.one_time_count(), *hash}, own, transaction.now()));
}

Result<void> Engine::upload_prekeys(const MakePrekeys& wanted) {
    auto transaction = vault_->begin(places_.clock.wall());
    MELDER_TRY(auto upload, make_prekeys(transaction, *device_, wanted, places_.random));
    MELDER_CHECK(transaction.commit(Sync::durable));
    const auto signed_id = wanted.rotate ? std::optional(upload.signed_prekey().id()) : std::nullopt;
    wire::Frame frame;
    *frame.mutable_upload_prekeys()->mutable_upload() = std::move(upload);
    link_->request(std::move(frame), [self = weak_from_this(), signed_id](Result<wire::Frame> reply) {
        const auto engine = self.lock();
        if (!engine || engine->closed_) return;
        if (reply.has_error()) return engine->prekeys_.on_upload_failed();
        engine->prekeys_.on_uploaded(signed_id, engine->places_.clock.wall());
    });
    return ok();
}

}  // namespace melder::sdk
