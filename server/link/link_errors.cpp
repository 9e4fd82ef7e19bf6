#include "server/link/link_errors.hpp"

namespace melder::server {

CloseCode close_code_for(Errc reason) noexcept {
    switch (reason) {
        case Errc::malformed:
            return CloseCode::protocol_error;
        case Errc::too_large:
            return CloseCode::too_big;
        case Errc::shutting_down:
            return CloseCode::going_away;
        case Errc::internal:
            return CloseCode::internal_error;
        default:
            return CloseCode::policy;
    }
}

Errc error_for(CloseCode code) noexcept {
    return code == CloseCode::too_big ? Errc::too_large : Errc::malformed;
}

wire::Frame error_frame(std::uint32_t request, const Error& error) {
    wire::Frame frame;
    frame.set_request(request);
    auto& reply = *frame.mutable_error();
    reply.set_code(static_cast<std::uint32_t>(error.code()));
    reply.set_retry_after_ms(error.retry_after_ms());
    reply.set_detail(std::string(text_of(error.code())));
    return frame;
}

}  // namespace melder::server
