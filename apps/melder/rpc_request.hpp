#pragma once
// JSON-RPC 2.0 as a value: one request out of one line, and the lines that answer it.
// https://www.jsonrpc.org/specification; a batch (an array) is refused, since one line is one object here.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "core/result.hpp"

namespace melder::apps {

/// The error codes of the specification, section 5.1. Melder's own errors carry the number of their `Errc`, which is
/// positive; docs/JSONRPC.md says where the list stands.
enum class RpcFault : std::int32_t {
    unreadable = -32700,
    invalid_request = -32600,
    unknown_method = -32601,
    invalid_params = -32602,
};

/// Null, text or number, given back as it came.
using RpcId = boost::json::value;

struct RpcRequest {
    std::optional<RpcId> id;  ///< unset: a notification, which is never answered
    std::string method;
    boost::json::object params;

    /// A text that must be there; nullopt otherwise.
    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
    /// The first parameter that is none of `known`; empty if there is none.
    [[nodiscard]] std::string unknown_param(std::initializer_list<std::string_view> known) const;
};

struct RpcRefusal {
    RpcId id;  ///< null where none could be read
    RpcFault fault = RpcFault::invalid_request;
    std::string sentence;
};

/// At most `limits::rpc_line_bytes`; the caller cuts. Depth of nesting at most 32 (Boost.JSON).
[[nodiscard]] std::variant<RpcRequest, RpcRefusal> parse_rpc(std::string_view line);

// Each without the line feed.
[[nodiscard]] std::string rpc_result(const RpcId& id, boost::json::value result);
[[nodiscard]] std::string rpc_refusal(const RpcRefusal& refusal);
/// `{"code": number, "message": sentence, "data": {"name": "head_stale", "retry_after_ms": 0}}`
[[nodiscard]] std::string rpc_error(const RpcId& id, const Error& error);
[[nodiscard]] std::string rpc_notification(std::string_view method, boost::json::object params);

}  // namespace melder::apps
