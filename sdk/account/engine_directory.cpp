// What the keyserver says about others, and what this device makes of it: the order log and look-ups.

#include "proto/trust.pb.h"
#include "sdk/account/engine.hpp"
#include "sdk/vault/boot_rows.hpp"

namespace melder::sdk {

void Engine::follow_log(std::uint64_t size) {
    if (book_.size() >= size) return;
    wire::Frame frame;
    frame.mutable_fetch_log()->set_from_index(book_.size());
    frame.mutable_fetch_log()->set_limit(limits::log_entries_per_page);
    link_->request(std::move(frame), [self = weak_from_this(), size](Result<wire::Frame> reply) {
        const auto engine = self.lock();
        if (!engine || engine->closed_ || reply.has_error()) return;  // the next connection asks again
        const auto before = engine->book_.size();
        if (!reply->has_log_page() || engine->apply_log(reply->log_page()).has_error()) {
            return engine->raise(TrustNotice{TrustNotice::Kind::log_forked});
        }
        if (engine->book_.size() > before) engine->follow_log(size);
        if (engine->log_is_behind()) return;
        for (const auto& delivery : std::exchange(engine->unjudged_, {}))
            engine->on_delivery(delivery);
    });
}

Result<void> Engine::apply_log(const wire::LogPage& page) {
    auto book = book_;
    for (const auto& entry : page.entries())
        MELDER_CHECK(book.apply(view(entry), *trust_));
    // The administrator saw this head when he signed our grant; a log without it is another one.
    const auto& grant = credential_->grant();
    if (book.size() >= grant.log_size && grant.log_size > book_.size() &&
        book.head_at(grant.log_size) != grant.log_head) {
        return Error(Errc::log_invalid, "the log lacks the head that the grant names");
    }
    if (statement_ && book.size() >= statement_->log_size && statement_->log_size > 0 &&
        book.head_at(statement_->log_size) != statement_->log_head) {
        return Errc::log_fork;
    }
    auto transaction = vault_->begin(places_.clock.wall());
    MELDER_CHECK(put_boot(transaction, BootValue::order_book, book.encode()));
    MELDER_CHECK(transaction.commit(Sync::durable));
    book_ = std::move(book);
    publish();
    const auto standing = book_.standing(device_->id());
    if (standing == DeviceStanding::revoked) raise(TrustNotice{TrustNotice::Kind::own_device_revoked});
    if (standing == DeviceStanding::replaced) raise(TrustNotice{TrustNotice::Kind::own_device_replaced});
    return ok();
}

Result<std::vector<Credential>> Engine::judge_devices(const wire::Devices& devices) const {
    MELDER_TRY(const auto officer, OfficerId::from(devices.officer_id()));
    std::vector<Credential> active;
    for (const auto& encoded : devices.credentials()) {
        MELDER_TRY(auto credential, Credential::verify(encoded, *trust_));
        if (credential.officer() != officer || credential.grant().app != credential_->grant().app) {
            return Error(Errc::credential_invalid, "the server named a device of somebody else");
        }
        if (book_.standing(credential.device()) != DeviceStanding::active) continue;
        if (!credential.valid_at(places_.clock.wall())) continue;
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
