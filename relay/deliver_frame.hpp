#pragma once
// A Deliver frame around bytes that are encoded already: a body of a fan-out is serialised once, not once per
// recipient.

#include "core/bytes.hpp"
#include "relay/delivery_events.hpp"

namespace melder::relay {

/// An encoded wire::Frame with one Delivery.
[[nodiscard]] Bytes encode_deliver_frame(const Envelope& envelope, std::uint64_t sequence);

}  // namespace melder::relay
