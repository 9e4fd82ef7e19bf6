#pragma once
// An envelope as a relay delivered it, its lengths checked and nothing else.

#include "proto/link.pb.h"
#include "sdk/account/event_queue.hpp"
#include "sdk/crypto/content.hpp"
#include "sdk/crypto/sealed_envelope.hpp"
#include "sdk/vault/receive_rows.hpp"

namespace melder::sdk {

struct ReceivedEnvelope {
    EnvelopeKey key;
    SharedHeader header;
    SealedParts body;
    SealedHeader own;
    std::size_t bytes = 0;
    /// `malformed` also if the lane outside is not the one inside.
    [[nodiscard]] static Result<ReceivedEnvelope> from(const EnvelopeKey& key, const wire::Delivery& delivery);
};

/// The parts of an upload to one device, as the relay wants them.
[[nodiscard]] wire::Submit to_submit(const EnvelopeId& envelope, const Sealed& sealed);

}  // namespace melder::sdk
