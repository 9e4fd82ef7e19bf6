#pragma once
// The HTTP request that opens a WebSocket: read with Beast's parser, in the one file that includes it.

#include <string>

#include "core/bytes.hpp"

namespace melder::server {

class HttpUpgrade {
public:
    enum class State : std::uint8_t {
        need_more,
        accepted,  ///< send response(), then frames
        refused    ///< send response(), then close
    };
    /// Takes bytes off the front of `input`, at most up to the end of the header.
    [[nodiscard]] State take(std::span<Byte>& input);
    /// The 101, or a 4xx that says what is wrong.
    [[nodiscard]] const std::string& response() const noexcept { return response_; }

private:
    [[nodiscard]] State judge();
    std::string header_;
    std::string response_;
};

}  // namespace melder::server
