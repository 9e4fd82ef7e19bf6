// What the account says about itself to a help desk.

#include "core/diagnosis.hpp"
#include "sdk/account/engine.hpp"

namespace melder::sdk {

namespace {

constexpr std::size_t errors_kept = 8;

Diagnosis::Link link_of(ConnectionState state) {
    switch (state) {
        case ConnectionState::connecting:
            return Diagnosis::Link::connecting;
        case ConnectionState::online:
            return Diagnosis::Link::online;
        case ConnectionState::restricted:
            return Diagnosis::Link::restricted;
        case ConnectionState::offline:
            break;
    }
    return Diagnosis::Link::offline;
}

std::uint8_t whole_hours(std::optional<Millis> age) {
    constexpr std::int64_t longest = 31;
    if (!age) return longest;
    return static_cast<std::uint8_t>(
        std::clamp<std::int64_t>(std::chrono::duration_cast<std::chrono::hours>(*age).count(), 0, longest));
}

}  // namespace

void Engine::note_error(Errc code) {
    last_errors_.push_back(code);
    if (last_errors_.size() > errors_kept) last_errors_.pop_front();
}

Diagnostics Engine::diagnostics() const {
    Diagnostics out;
    out.state = snapshot();
    out.client_version = options_.client_version;
    out.connection_error = connection_error_;
    out.one_time_prekeys = server_prekeys_;
    out.unread_events = events_.unread();
    out.losses = losses_.size();
    out.last_errors.assign(last_errors_.begin(), last_errors_.end());
    if (credential_ && trust_) {
        out.grant_version = credential_->grant().version;
        if (const auto confirmed = trust_->confirmed()) out.head_age = clock_.wall() - *confirmed;
        if (const auto fit = judge_sealing(Lane::normal); fit.has_error()) out.sealing_error = fit.error().code();
    } else {
        out.sealing_error = Errc::not_enrolled;
    }
    Diagnosis spoken;
    spoken.link = link_of(connection_);
    spoken.link_error = out.connection_error.value_or(Errc{});
    spoken.sealing_error = out.sealing_error.value_or(Errc{});
    spoken.head_age_hours = whole_hours(out.head_age);
    spoken.waiting_log2 = log2_above(out.state.waiting_to_send, 15);
    spoken.losses_log2 = log2_above(out.losses, 7);
    out.code = code_of(spoken);
    return out;
}

}  // namespace melder::sdk
