#pragma once
// The safety number two people compare: Signal's numeric fingerprint, version 2 (signal.org, "Safety numbers").

#include <string>

#include "core/crypto.hpp"

namespace melder::sdk {

struct FingerprintParty {
    BytesView stable_id;  ///< what names the party for good; for Melder the enrolment id
    X25519Public identity_key;
};

inline constexpr std::uint32_t fingerprint_iterations = 5200;

/// 60 digits: 30 for each party, the smaller half first, so both sides read the same.
[[nodiscard]] std::string fingerprint_of(const FingerprintParty& one, const FingerprintParty& other,
                                         std::uint32_t iterations = fingerprint_iterations);

}  // namespace melder::sdk
