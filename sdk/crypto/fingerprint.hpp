#pragma once
// The safety number two people compare: Signal's numeric fingerprint, version 2 (signal.org, "Safety numbers"), over
// all identity keys of each side, as libsignal-protocol-c's fingerprint_generator_create_for_list computes it.

#include <string>
#include <vector>

#include "core/crypto.hpp"

namespace melder::sdk {

struct FingerprintParty {
    BytesView stable_id;                      ///< what names the party for good; for Melder the officer id
    std::vector<X25519Public> identity_keys;  ///< of all its devices, in any order, each once; at least one
};

inline constexpr std::uint32_t fingerprint_iterations = 5200;

/// 60 digits: 30 for each party, the smaller half first, so both sides read the same.
[[nodiscard]] std::string fingerprint_of(const FingerprintParty& one, const FingerprintParty& other,
                                         std::uint32_t iterations = fingerprint_iterations);

}  // namespace melder::sdk
