#pragma once
// Which frames a session may send at all. The services judge the rest (an administrator's rights, limits).

#include "proto/link.pb.h"
#include "server/link/session.hpp"

namespace melder::server {

[[nodiscard]] bool may_send(Peer::Kind kind, wire::Frame::BodyCase body) noexcept;

}  // namespace melder::server
