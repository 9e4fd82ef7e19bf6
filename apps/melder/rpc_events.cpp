#include "apps/melder/rpc_events.hpp"

#include <boost/json.hpp>

namespace melder::apps {

namespace json = boost::json;

namespace {

json::string text(std::string_view value) {
    return json::string(value.data(), value.size());
}

std::string_view name_of(sdk::ConnectionState state) {
    switch (state) {
        case sdk::ConnectionState::connecting:
            return "connecting";
        case sdk::ConnectionState::online:
            return "online";
        case sdk::ConnectionState::restricted:
            return "restricted";
        case sdk::ConnectionState::offline:
            return "offline";
    }
    return "offline";
}

std::string_view name_of(sdk::SendState state) {
    switch (state) {
        case sdk::SendState::stored:
            return "stored";
        case sdk::SendState::delivered:
            return "delivered";
        case sdk::SendState::expired:
            return "expired";
        case sdk::SendState::failed:
            return "failed";
    }
    return "failed";
}

std::string_view name_of(sdk::TrustNotice::Kind kind) {
    using Kind = sdk::TrustNotice::Kind;
    switch (kind) {
        case Kind::head_unconfirmed:
            return "head_unconfirmed";
        case Kind::log_forked:
            return "log_forked";
        case Kind::own_device_revoked:
            return "own_device_revoked";
        case Kind::own_device_replaced:
            return "own_device_replaced";
        case Kind::own_binding_differs:
            return "own_binding_differs";
        case Kind::trust_list_expired:
            return "trust_list_expired";
        case Kind::clock_refused:
            return "clock_refused";
    }
    return "unknown";
}

/// One overload a kind of event: what is missing does not compile.
struct Describe {
    json::object& out;

    void operator()(const sdk::TextReceived& event) const {
        out["kind"] = "text";
        out["content_id"] = event.content_id.hex();
        out["from"] = rpc_device(event.from);
        out["conversation"] = event.conversation.hex();
        out["own"] = event.own;
        out["text"] = text(event.text.view());
        out["sent_at_ms"] = event.sent_at.ms;
        if (event.expires_at) out["expires_at_ms"] = event.expires_at->ms;
        out["urgent"] = event.urgency == sdk::Urgency::urgent;
        out["stale_head"] = event.stale_head;
    }
    void operator()(const sdk::UnknownReceived& event) const {
        out["kind"] = "unknown";
        out["content_id"] = event.content_id.hex();
        out["from"] = rpc_device(event.from);
    }
    void operator()(const sdk::SendProgress& event) const {
        out["kind"] = "progress";
        out["content_id"] = event.content_id.hex();
        out["state"] = text(name_of(event.state));
        if (event.device) out["device"] = event.device->hex();
        if (event.state == sdk::SendState::failed) out["reason"] = text(melder::name_of(event.reason));
    }
    void operator()(const sdk::GapNoticed& event) const {
        out["kind"] = "gap";
        out["device"] = event.from.hex();
        out["conversation"] = event.conversation.hex();
        out["first"] = event.first;
        out["last"] = event.last;
        out["expired"] = event.expired;
    }
    void operator()(const sdk::MessageLost& event) const {
        out["kind"] = "lost";
        if (event.from) out["device"] = event.from->hex();
        out["reason"] = text(melder::name_of(event.reason));
    }
    void operator()(const sdk::ExpiredUnread& event) const {
        out["kind"] = "expired_unread";
        out["count"] = event.count;
    }
    void operator()(const sdk::ConnectionChanged& event) const {
        out["kind"] = "connection";
        out["state"] = text(name_of(event.state));
        if (event.reason) {
            out["reason"] = text(melder::name_of(event.reason->code()));
            out["message"] = text(event.reason->message());
        }
        out["retry_after_ms"] = event.retry_after.count();
    }
    void operator()(const sdk::TrustNotice& event) const {
        out["kind"] = "trust";
        out["notice"] = text(name_of(event.kind));
    }
};

}  // namespace

json::object rpc_event(const sdk::Event& event) {
    json::object out;
    out["event"] = event.id.value;
    std::visit(Describe{out}, event.what);
    return out;
}

json::object rpc_device(const sdk::PeerDevice& device) {
    json::array unit;
    for (const auto& part : device.unit)
        unit.emplace_back(text(part));
    return {{"device", device.device.hex()},     {"officer", device.officer.hex()},
            {"name", text(device.display_name)}, {"number", text(device.service_number)},
            {"unit", std::move(unit)},           {"leader", device.leader}};
}

json::object rpc_state(const sdk::AccountState& state) {
    json::object out;
    out["enrolled"] = state.enrolled;
    if (state.self) out["self"] = rpc_device(*state.self);
    out["connection"] = text(name_of(state.connection));
    out["waiting_to_send"] = state.waiting_to_send;
    out["trust_list_version"] = state.trust_list_version;
    out["log_size"] = state.log_size;
    return out;
}

json::object rpc_diagnostics(const sdk::Diagnostics& diagnostics) {
    auto out = rpc_state(diagnostics.state);
    out["code"] = text(diagnostics.code);
    out["client_version"] = text(diagnostics.client_version);
    out["grant_version"] = diagnostics.grant_version;
    if (diagnostics.connection_error) out["connection_error"] = text(name_of(*diagnostics.connection_error));
    if (diagnostics.sealing_error) out["sealing_error"] = text(name_of(*diagnostics.sealing_error));
    if (diagnostics.head_age) out["head_age_ms"] = diagnostics.head_age->count();
    if (diagnostics.one_time_prekeys) out["one_time_prekeys"] = *diagnostics.one_time_prekeys;
    out["unread_events"] = diagnostics.unread_events;
    out["losses"] = diagnostics.losses;
    json::array errors;
    for (const auto code : diagnostics.last_errors)
        errors.emplace_back(text(name_of(code)));
    out["last_errors"] = std::move(errors);
    return out;
}

}  // namespace melder::apps
