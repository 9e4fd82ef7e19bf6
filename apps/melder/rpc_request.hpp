#pragma once
// JSON-RPC 2.0 as a value: the requests out of one line, and the lines that answer them.
// https://www.jsonrpc.org/specification.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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

/// The answers to one batch, until the last of them is there.
class RpcBatch {
public:
    /// Of `awaited` answers.
    explicit RpcBatch(std::size_t awaited) : awaited_(awaited) {}
    /// The line that answers the batch, with the last answer; nullopt before.
    [[nodiscard]] std::optional<std::string> add(std::string_view answer);

private:
    std::size_t awaited_;
    std::string line_;
};

struct RpcRequest {
    std::optional<RpcId> id;  ///< unset: a notification, which is never answered
    std::string method;
    boost::json::object params;
    std::shared_ptr<RpcBatch> batch;  ///< that it came in; null: it is answered by a line of its own

    /// A text that must be there; nullopt otherwise.
    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
    /// The first parameter that is none of `known`; empty if there is none.
    [[nodiscard]] std::string unknown_param(const std::vector<std::string_view>& known) const;
};

struct RpcRefusal {
    RpcId id;  ///< null where none could be read
    RpcFault fault = RpcFault::invalid_request;
    std::string sentence;
};

/// What a line asks for, in its order: one request, or those of a batch, whose refusals stand among them (`batch` is
/// then where they are answered too). Never empty. At most `limits::rpc_line_bytes`, which the caller cuts, and
/// `limits::rpc_batch` requests. Depth of nesting at most 32 (Boost.JSON).
struct RpcLine {
    std::vector<std::variant<RpcRequest, RpcRefusal>> parts;
    std::shared_ptr<RpcBatch> batch;
};
[[nodiscard]] RpcLine parse_rpc(std::string_view line);

// Each without the line feed.
[[nodiscard]] std::string rpc_result(const RpcId& id, boost::json::value result);
[[nodiscard]] std::string rpc_refusal(const RpcRefusal& refusal);
/// `{"code": number, "message": sentence, "data": {"name": "head_stale", "retry_after_ms": 0}}`
[[nodiscard]] std::string rpc_error(const RpcId& id, const Error& error);
[[nodiscard]] std::string rpc_notification(std::string_view method, boost::json::object params);

}  // namespace melder::apps
