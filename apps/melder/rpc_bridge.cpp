#include "apps/melder/rpc_bridge.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "apps/melder/rpc_events.hpp"
#include "core/limits.hpp"

namespace melder::apps {

namespace json = boost::json;

namespace {

constexpr std::string_view protocol_name = "Melder JSON-RPC 1";

std::optional<OfficerId> officer_in(const std::string& who) {
    if (who.size() != 2 * OfficerId::size_bytes) return std::nullopt;
    const auto id = OfficerId::from_hex(who);
    return id.has_value() ? std::optional(*id) : std::nullopt;
}

}  // namespace

RpcBridge::RpcBridge(sdk::Account& account, std::shared_ptr<MainLoop> loop, Outside outside)
    : account_(account), loop_(std::move(loop)), outside_(std::move(outside)) {}

void RpcBridge::start() {
    if (account_.state().enrolled) {
        account_.connect();
    } else {
        settled_ = true;  // calls are told so by the account itself
    }
    pump_events();
}

void RpcBridge::on_line(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    const auto parsed = parse_rpc(line);
    for (const auto& part : parsed.parts) {
        if (const auto* request = std::get_if<RpcRequest>(&part)) {
            handle(*request);
            continue;
        }
        RpcRequest unread;  // what is left of it: where its answer goes
        unread.batch = parsed.batch;
        put_answer(unread, rpc_refusal(std::get<RpcRefusal>(part)));
    }
}

void RpcBridge::on_line_too_long() {
    put(rpc_refusal({nullptr, RpcFault::invalid_request, "the line is longer than 131072 bytes"}));
}

void RpcBridge::on_end_of_input() {
    input_over_ = true;
    loop_->listen(false);
    loop_->stop_in(limits::rpc_outbox_patience);
    stop_when_idle();
}

const std::vector<RpcBridge::Method>& RpcBridge::methods() {
    static const std::vector<Method> all = {
        {"version", {}, 0, &RpcBridge::version},
        {"status", {}, 0, &RpcBridge::status},
        {"diagnostics", {}, 0, &RpcBridge::diagnostics},
        {"enrol", {"code", "second_part"}, 1, &RpcBridge::enrol},
        {"find", {"who"}, 1, &RpcBridge::find},
        {"search", {"text", "after", "limit"}, 1, &RpcBridge::search},
        {"send",
         {"to", "text", "content_id", "urgent", "lives_for_ms", "expires_after_display_ms"},
         2,
         &RpcBridge::send},
        {"safety_number", {"who"}, 1, &RpcBridge::safety_number},
        {"acknowledge", {"event"}, 1, &RpcBridge::acknowledge},
        {"events_again", {}, 0, &RpcBridge::events_again},
    };
    return all;
}

void RpcBridge::handle(const RpcRequest& request) {
    const auto method =
        std::ranges::find_if(methods(), [&](const Method& each) { return each.name == request.method; });
    if (method == methods().end())
        return refuse(request, RpcFault::unknown_method,
                      "there is no method \"" + request.method + "\"; docs/JSONRPC.md lists them");
    if (const auto unknown = request.unknown_param(method->params); !unknown.empty())
        return refuse(request, RpcFault::invalid_params, "there is no parameter \"" + unknown + "\"");
    (this->*method->handler)(request);
}

void RpcBridge::version(const RpcRequest& request) {
    answer(request, json::object{{"melder", MELDER_VERSION},
                                 {"protocol", json::string(protocol_name.data(), protocol_name.size())}});
}

void RpcBridge::status(const RpcRequest& request) {
    answer(request, rpc_state(account_.state()));
}

void RpcBridge::diagnostics(const RpcRequest& request) {
    call<sdk::Diagnostics>(account_.diagnostics(),
                           [self = shared_from_this(), request](const Result<sdk::Diagnostics>& found) {
                               if (found.has_error()) return self->answer_error(request, found.error());
                               self->answer(request, rpc_diagnostics(*found));
                           });
}

void RpcBridge::events_again(const RpcRequest& request) {
    account_.restart_events();
    unacknowledged_.clear();
    unacknowledged_bytes_ = 0;
    answer(request, nullptr);
    pump_events();
}

void RpcBridge::enrol(const RpcRequest& request) {
    const auto code = request.text("code");
    if (!code) return refuse(request, RpcFault::invalid_params, "\"code\" must be a text, MLD1-...");
    call<sdk::PeerDevice>(account_.enrol({*code, request.text("second_part").value_or("")}),
                          [self = shared_from_this(), request](Result<sdk::PeerDevice> device) {
                              if (device.has_error()) return self->answer_error(request, device.error());
                              self->outside_.remember();
                              self->settled_ = false;
                              self->account_.connect();
                              self->answer(request, rpc_device(*device));
                          });
}

void RpcBridge::find(const RpcRequest& request) {
    const auto who = request.text("who");
    if (!who) return refuse(request, RpcFault::invalid_params, "\"who\" must be a service number or an officer id");
    add_job([self = shared_from_this(), request, who = *who] {
        const auto officer = officer_in(who);
        self->call<sdk::OfficerInfo>(
            officer ? self->account_.look_up(*officer) : self->account_.look_up(who),
            [self, request](Result<sdk::OfficerInfo> found) {
                self->end_job();
                if (found.has_error()) return self->answer_error(request, found.error());
                json::array devices;
                for (const auto& device : found->devices)
                    devices.emplace_back(rpc_device(device));
                self->answer(request, json::object{{"officer", found->officer.hex()}, {"devices", std::move(devices)}});
            });
    });
}

void RpcBridge::search(const RpcRequest& request) {
    const auto text = request.text("text");
    if (!text) return refuse(request, RpcFault::invalid_params, "\"text\" must be a text: what to search for");
    sdk::SearchQuery query{.text = *text, .after = std::nullopt};
    if (request.params.contains("after")) {
        query.after = officer_in(request.text("after").value_or(""));
        if (!query.after) return refuse(request, RpcFault::invalid_params, "\"after\" must be 32 hex digits");
    }
    if (request.params.contains("limit")) {
        const auto limit = request.number("limit");
        if (!limit || *limit == 0 || *limit > limits::search_page)
            return refuse(request, RpcFault::invalid_params, "\"limit\" must be a number from 1 to 20");
        query.limit = static_cast<std::size_t>(*limit);
    }
    add_job([self = shared_from_this(), request, query = std::move(query)] {
        self->call<sdk::OfficersPage>(self->account_.search(query),
                                      [self, request](const Result<sdk::OfficersPage>& page) {
                                          self->end_job();
                                          if (page.has_error()) return self->answer_error(request, page.error());
                                          json::array officers;
                                          for (const auto& officer : page->officers)
                                              officers.emplace_back(rpc_device(officer));
                                          json::object out{{"officers", std::move(officers)}};
                                          if (page->next) out["next"] = page->next->hex();
                                          self->answer(request, std::move(out));
                                      });
    });
}

void RpcBridge::send(const RpcRequest& request) {
    const auto to = request.text("to");
    auto text = request.text("text");
    if (!to || !text)
        return refuse(request, RpcFault::invalid_params,
                      "\"to\" (service number or officer id) and \"text\" must be texts");
    sdk::Message message{.content_id = account_.new_content_id(),
                         .to = {},
                         .text = std::move(*text),
                         .time_to_live = {},
                         .expire_after_display = {}};
    if (request.params.contains("content_id")) {
        const auto id = ContentId::from_hex(request.text("content_id").value_or(""));
        if (id.has_error()) return refuse(request, RpcFault::invalid_params, "\"content_id\" must be 32 hex digits");
        message.content_id = *id;
    }
    if (const auto* urgent = request.params.if_contains("urgent")) {
        if (!urgent->is_bool()) return refuse(request, RpcFault::invalid_params, "\"urgent\" must be true or false");
        if (urgent->get_bool()) message.urgency = sdk::Urgency::urgent;
    }
    const auto duration = [&](std::string_view name, std::optional<Millis>& out) {
        if (!request.params.contains(name)) return true;
        const auto value = request.number(name);
        if (!value || *value == 0 || *value > static_cast<std::uint64_t>(Millis(limits::ttl_longest).count()))
            return false;
        out = Millis(static_cast<std::int64_t>(*value));
        return true;
    };
    if (!duration("lives_for_ms", message.time_to_live) ||
        !duration("expires_after_display_ms", message.expire_after_display))
        return refuse(request, RpcFault::invalid_params, "durations are milliseconds from 1 to 30 days");
    add_job([self = shared_from_this(), request, to = *to, message = std::move(message)] {
        self->resolve(request, to,
                      [self, request, message](const OfficerId& officer) { self->send_to(request, message, officer); });
    });
}

void RpcBridge::resolve(const RpcRequest& request, const std::string& who, std::function<void(const OfficerId&)> then) {
    if (const auto officer = officer_in(who)) return then(*officer);
    call<sdk::OfficerInfo>(account_.look_up(who), [self = shared_from_this(), request,
                                                   then = std::move(then)](const Result<sdk::OfficerInfo>& found) {
        if (found.has_value()) return then(found->officer);
        self->end_job();
        self->answer_error(request, found.error());
    });
}

void RpcBridge::send_to(const RpcRequest& request, sdk::Message message, const OfficerId& officer) {
    message.to = officer;
    call<ContentId>(account_.send(std::move(message)), [self = shared_from_this(), request](Result<ContentId> sent) {
        self->end_job();
        if (sent.has_error()) return self->answer_error(request, sent.error());
        self->answer(request, json::object{{"content_id", sent->hex()}});
    });
}

void RpcBridge::safety_number(const RpcRequest& request) {
    const auto who = request.text("who");
    if (!who) return refuse(request, RpcFault::invalid_params, "\"who\" must be a service number or an officer id");
    add_job([self = shared_from_this(), request, who = *who] {
        self->resolve(request, who,
                      [self, request](const OfficerId& officer) { self->safety_number_with(request, officer); });
    });
}

void RpcBridge::safety_number_with(const RpcRequest& request, const OfficerId& officer) {
    call<sdk::SafetyNumber>(account_.safety_number(officer),
                            [self = shared_from_this(), request](const Result<sdk::SafetyNumber>& number) {
                                self->end_job();
                                if (number.has_error()) return self->answer_error(request, number.error());
                                const auto list = [](const std::vector<sdk::PeerDevice>& devices) {
                                    json::array out;
                                    for (const auto& device : devices)
                                        out.emplace_back(rpc_device(device));
                                    return out;
                                };
                                self->answer(request, json::object{{"officer", number->officer.hex()},
                                                                   {"digits", number->digits},
                                                                   {"scannable", number->scannable()},
                                                                   {"own", list(number->own)},
                                                                   {"theirs", list(number->theirs)}});
                            });
}

void RpcBridge::acknowledge(const RpcRequest& request) {
    const auto event = request.number("event");
    if (!event) return refuse(request, RpcFault::invalid_params, "\"event\" must be the number of an event");
    call<void>(account_.acknowledge({*event}), [self = shared_from_this(), request, event = *event](Result<void> done) {
        if (done.has_error()) return self->answer_error(request, done.error());
        if (const auto held = self->unacknowledged_.find(event); held != self->unacknowledged_.end()) {
            self->unacknowledged_bytes_ -= held->second;
            self->unacknowledged_.erase(held);
        }
        self->answer(request, nullptr);
        self->pump_events();
    });
}

void RpcBridge::add_job(Job job) {
    jobs_.push_back(std::move(job));
    if (jobs_.size() >= limits::rpc_requests_waiting) loop_->listen(false);
    run_next();
}

void RpcBridge::run_next() {
    if (job_runs_ || !settled_ || jobs_.empty()) return;
    job_runs_ = true;
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    if (!input_over_) loop_->listen(true);
    job();
}

void RpcBridge::end_job() {
    job_runs_ = false;
    loop_->post([self = shared_from_this()] { self->run_next(); });  // after this one was answered
}

void RpcBridge::pump_events() {
    const bool full = unacknowledged_.size() >= limits::unread_events || unacknowledged_bytes_ >= limits::unread_bytes;
    if (pumping_ || full) return;
    pumping_ = true;
    (void)account_.next_event().start(loop_->here<sdk::Event>([self = shared_from_this()](Result<sdk::Event> event) {
        self->pumping_ = false;
        if (event.has_error()) return self->loop_->stop();  // the account is closed
        self->on_event(*event);
        self->pump_events();
    }));
}

void RpcBridge::on_event(const sdk::Event& event) {
    if (const auto* change = std::get_if<sdk::ConnectionChanged>(&event.what)) {
        settled_ = settled_ || change->state != sdk::ConnectionState::connecting;
        run_next();
    }
    if (const auto* message = std::get_if<sdk::TextReceived>(&event.what)) {
        if (unacknowledged_.emplace(event.id.value, message->text.view().size()).second)
            unacknowledged_bytes_ += message->text.view().size();
    }
    put(rpc_notification("event", rpc_event(event)));
    stop_when_idle();
}

void RpcBridge::stop_when_idle() {
    const bool idle = jobs_.empty() && !job_runs_ && running_ == 0;
    if (input_over_ && idle && account_.state().waiting_to_send == 0) loop_->stop();
}

void RpcBridge::put(const std::string& line) {
    if (!outside_.write(line)) loop_->stop();
}

void RpcBridge::put_answer(const RpcRequest& request, const std::string& answer) {
    if (!request.batch) return put(answer);
    if (const auto whole = request.batch->add(answer)) put(*whole);
}

void RpcBridge::answer(const RpcRequest& request, json::value result) {
    if (request.id) put_answer(request, rpc_result(*request.id, std::move(result)));
}

void RpcBridge::answer_error(const RpcRequest& request, const Error& error) {
    if (request.id) put_answer(request, rpc_error(*request.id, error));
}

void RpcBridge::refuse(const RpcRequest& request, RpcFault fault, std::string sentence) {
    if (request.id) put_answer(request, rpc_refusal({*request.id, fault, std::move(sentence)}));
}

}  // namespace melder::apps
