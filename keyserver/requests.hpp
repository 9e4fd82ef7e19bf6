#pragma once
// One request in, its reply frames out.

#include "keyserver/keyserver.hpp"

namespace melder::keyserver {

/// True for requests that change something and therefore belong on the lane for writes.
[[nodiscard]] bool is_write(wire::Frame::BodyCase body) noexcept;
/// Blocks. Errors become an ErrorReply; every reply repeats the request's number.
[[nodiscard]] std::vector<wire::Frame> answer(Keyserver& keyserver, const server::Peer& peer,
                                              const wire::Frame& request);
[[nodiscard]] wire::Frame error_frame(std::uint32_t request, const Error& error);

}  // namespace melder::keyserver
