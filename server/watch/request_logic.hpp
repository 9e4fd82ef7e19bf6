#pragma once
// What the listener for operators answers to which request: a rule over method and target. No socket.

#include <cstdint>
#include <string_view>
#include <variant>

namespace melder::server {

enum class WatchPage : std::uint8_t { health, metrics };

/// An HTTP status for what is not served: 404, or 405 (allowed are GET and HEAD).
using WatchRefusal = unsigned;

/// A query is ignored, as Prometheus may be told to send one.
[[nodiscard]] std::variant<WatchPage, WatchRefusal> judge_watch_request(std::string_view method,
                                                                        std::string_view target) noexcept;

}  // namespace melder::server
