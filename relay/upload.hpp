#pragma once
// A Submit, perhaps in several parts: read, checked, complete. No I/O.

#include <vector>

#include "core/envelope.hpp"
#include "proto/link.pb.h"

namespace melder::relay {

struct Upload {
    std::uint32_t request = 0;
    EnvelopeId id;
    SharedHeader header;
    wire::EnvelopeBody body;
    std::vector<wire::DeviceHeader> headers;
    std::vector<EnrolmentId> recipients;  ///< of `headers`
    std::size_t total_headers = 0;
    std::size_t bytes = 0;  ///< against the submit credit
    bool partial = false;
    BootTime deadline;  ///< for the parts to come

    [[nodiscard]] bool complete() const noexcept { return headers.size() == total_headers; }
};

/// `malformed`, `too_large`, `unsupported`, `expired` (at `now`), `bad_argument` (an expiry beyond the longest
/// lifetime).
[[nodiscard]] Result<Upload> read_submit(std::uint32_t request, wire::Submit& submit, UnixTime now);
/// Adds a part. `malformed` (another id, too many headers, one recipient twice).
[[nodiscard]] Result<void> add_part(Upload& upload, wire::SubmitMore& more);

}  // namespace melder::relay
