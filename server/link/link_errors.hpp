#pragma once
// How the link says what is wrong: an ErrorReply and a close code. PROTOCOL.md, "The end".

#include "core/errc.hpp"
#include "core/result.hpp"
#include "proto/link.pb.h"
#include "server/link/websocket_codec.hpp"

namespace melder::server {

[[nodiscard]] CloseCode close_code_for(Errc reason) noexcept;
/// Of a peer that broke the protocol of WebSocket.
[[nodiscard]] Errc error_for(CloseCode code) noexcept;
/// Never carries error.detail(): it may name a local file.
[[nodiscard]] wire::Frame error_frame(std::uint32_t request, const Error& error);

}  // namespace melder::server
