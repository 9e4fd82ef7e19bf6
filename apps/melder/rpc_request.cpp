#include "apps/melder/rpc_request.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "core/limits.hpp"

namespace melder::apps {

namespace json = boost::json;

std::optional<std::string> RpcRequest::text(std::string_view name) const {
    const auto* value = params.if_contains(name);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    const auto& text = value->get_string();
    return std::string(text.data(), text.size());
}

std::optional<std::uint64_t> RpcRequest::number(std::string_view name) const {
    const auto* value = params.if_contains(name);
    if (value == nullptr) return std::nullopt;
    boost::system::error_code error;
    const auto number = value->to_number<std::uint64_t>(error);
    if (error) return std::nullopt;
    return number;
}

std::string RpcRequest::unknown_param(const std::vector<std::string_view>& known) const {
    for (const auto& [name, value] : params)
        if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) return std::string(name);
    return {};
}

std::optional<std::string> RpcBatch::add(std::string_view answer) {
    line_.append(line_.empty() ? "[" : ",").append(answer);
    if (--awaited_ > 0) return std::nullopt;
    return std::move(line_) + "]";
}

namespace {

std::variant<RpcRequest, RpcRefusal> parse_one(json::value value) {
    if (!value.is_object()) return RpcRefusal{nullptr, RpcFault::invalid_request, "a request is an object"};
    auto& object = value.get_object();

    RpcRequest request;
    if (const auto* id = object.if_contains("id")) {
        if (!id->is_string() && !id->is_number() && !id->is_null())
            return RpcRefusal{nullptr, RpcFault::invalid_request, "id is a text, a number or null"};
        request.id = *id;
    }
    const auto refuse = [&](RpcFault fault, std::string sentence) {
        return RpcRefusal{request.id.value_or(nullptr), fault, std::move(sentence)};
    };
    const auto* version = object.if_contains("jsonrpc");
    if (version == nullptr || !version->is_string() || version->get_string() != "2.0")
        return refuse(RpcFault::invalid_request, "\"jsonrpc\" must be \"2.0\"");
    const auto* method = object.if_contains("method");
    if (method == nullptr || !method->is_string())
        return refuse(RpcFault::invalid_request, "\"method\" must be a text");
    request.method = std::string(method->get_string());
    if (auto* params = object.if_contains("params")) {
        if (!params->is_object())
            return refuse(RpcFault::invalid_params, "\"params\" must be an object with named values");
        request.params = std::move(params->get_object());
    }
    return request;
}

RpcLine one(std::variant<RpcRequest, RpcRefusal> part) {
    RpcLine line;
    line.parts.push_back(std::move(part));
    return line;
}

}  // namespace

RpcLine parse_rpc(std::string_view line) {
    boost::system::error_code error;
    auto value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error) return one(RpcRefusal{nullptr, RpcFault::unreadable, "the line is not one JSON value in UTF-8"});
    if (!value.is_array()) return one(parse_one(std::move(value)));
    auto& requests = value.get_array();
    if (requests.empty() || requests.size() > limits::rpc_batch)
        return one(RpcRefusal{nullptr, RpcFault::invalid_request, "a batch holds 1 to 64 requests"});
    RpcLine batch;
    std::size_t awaited = 0;
    for (auto& each : requests) {
        batch.parts.push_back(parse_one(std::move(each)));
        const auto* request = std::get_if<RpcRequest>(&batch.parts.back());
        if (request == nullptr || request->id) ++awaited;
    }
    batch.batch = std::make_shared<RpcBatch>(awaited);
    for (auto& part : batch.parts)
        if (auto* request = std::get_if<RpcRequest>(&part)) request->batch = batch.batch;
    return batch;
}

namespace {

std::string line_of(json::object object) {
    return json::serialize(object);
}

json::object answer(const RpcId& id) {
    return {{"jsonrpc", "2.0"}, {"id", id}};
}

json::string to_json(std::string_view text) {
    return json::string(text.data(), text.size());
}

}  // namespace

std::string rpc_result(const RpcId& id, json::value result) {
    auto object = answer(id);
    object["result"] = std::move(result);
    return line_of(std::move(object));
}

std::string rpc_refusal(const RpcRefusal& refusal) {
    auto object = answer(refusal.id);
    object["error"] = json::object{{"code", static_cast<std::int32_t>(refusal.fault)}, {"message", refusal.sentence}};
    return line_of(std::move(object));
}

std::string rpc_error(const RpcId& id, const Error& error) {
    auto object = answer(id);
    object["error"] = json::object{
        {"code", static_cast<std::uint32_t>(error.code())},
        {"message", to_json(error.message())},
        {"data", json::object{{"name", to_json(name_of(error.code()))}, {"retry_after_ms", error.retry_after_ms()}}}};
    return line_of(std::move(object));
}

std::string rpc_notification(std::string_view method, json::object params) {
    return line_of({{"jsonrpc", "2.0"}, {"method", to_json(method)}, {"params", std::move(params)}});
}

}  // namespace melder::apps
