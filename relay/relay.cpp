#include "relay/relay.hpp"

#include "core/limits.hpp"
#include "relay/relay_core.hpp"

namespace melder::relay {

RelayCore::RelayCore(Relay& relay, RelayPlaces places, std::size_t index)
    : impl_(std::make_shared<Impl>(relay, places, index)) {}
RelayCore::~RelayCore() = default;

void RelayCore::on_open(server::Session&, wire::Welcome& welcome) {
    welcome.set_submit_credit(limits::submit_credit);
    welcome.set_submit_credit_bytes(limits::submit_credit_bytes);
}
void RelayCore::on_ready(server::Session& session) {
    impl_->on_ready(session);
}
bool RelayCore::on_frame(server::Session& session, wire::Frame& frame) {
    return impl_->on_frame(session, frame);
}
void RelayCore::on_message_end(server::Session&) {
    impl_->flush_results();
}
void RelayCore::on_writable(server::Session& session) {
    impl_->on_writable(session);
}
void RelayCore::on_close(server::Session& session) {
    impl_->on_close(session);
}
void RelayCore::on_shutdown(std::function<void()> done) {
    impl_->on_shutdown(std::move(done));
}
const RelayCounters& RelayCore::counters() const {
    return impl_->counters();
}

Relay::Relay(RelayPlaces places) : places_(places) {
    for (std::size_t i = 0; i < places.loops.size(); ++i)
        cores_.push_back(std::make_unique<RelayCore>(*this, places, i));
}
Relay::~Relay() = default;

void Relay::remove_device(const EnrolmentId& device) {
    const auto core = server::home_core_of(device, cores_.size());
    places_.loops.post_to(core, [impl = cores_[core]->impl_, device] { impl->remove_device(device); });
}

void Relay::load_mail(const EnrolmentId& device, server::Executor executor,
                      std::function<void(Result<DeviceMail>)> done) {
    const auto core = server::home_core_of(device, cores_.size());
    places_.loops.post_to(core, [this, impl = cores_[core]->impl_, device, executor = std::move(executor),
                                 done = std::move(done)] {
        DeviceMail mail;
        mail.connected = impl->is_connected(device);
        mail.presence = impl->presence().find(device);
        places_.store.summarise(device, executor,
                                [done, mail = std::move(mail)](const Result<server::MailboxSummary>& summary) mutable {
                                    if (summary.has_error()) return done(summary.error());
                                    mail.mailbox = *summary;
                                    done(std::move(mail));
                                });
    });
}

}  // namespace melder::relay
