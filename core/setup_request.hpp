#pragma once
// What `melder-server init` writes and `melder-admin trust sign` reads: the public halves of a new server's keys, to be
// named in the next trust list. Text, so that people can compare it at the ceremony:
//
//     melder-setup-request 1
//     statement-key <64 hex digits>
//     pin relay <64 hex digits>
//     pin keyserver <64 hex digits>
//
// Not secret and not signed: whoever signs the trust list has carried the file himself.

#include <string>
#include <string_view>
#include <vector>

#include "core/trust_list.hpp"

namespace melder {

struct SetupRequest {
    std::vector<Ed25519Public> statement_keys;
    std::vector<TlsPin> pins;

    [[nodiscard]] std::string encode() const;
    /// `malformed`, with the number of the line in the detail. At least one statement key and one pin.
    [[nodiscard]] static Result<SetupRequest> parse(std::string_view text);
};

}  // namespace melder
