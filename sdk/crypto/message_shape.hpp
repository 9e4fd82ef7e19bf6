#pragma once
// The strict shape of Signal v3 messages, checked before libsignal-protocol-c (and the protobuf-c inside it) sees a
// byte: version byte 0x33, known fields only, the right wire type, each once, ascending, minimal varints, exact
// lengths, no low-order key. Pure; returns views into the input. Every failure is `inner_malformed`.

#include <optional>

#include "core/crypto.hpp"

namespace melder::sdk {

struct SignalMessageShape {
    X25519Public ratchet_key;
    std::uint32_t counter = 0;
    std::uint32_t previous_counter = 0;
    BytesView ciphertext;  ///< AES-256-CBC, whole blocks, at least one
};
[[nodiscard]] Result<SignalMessageShape> check_signal_message(BytesView message);

struct PrekeyMessageShape {
    std::optional<std::uint32_t> one_time_prekey_id;
    X25519Public base_key;
    X25519Public identity_key;
    BytesView signal_message;
    SignalMessageShape inner;
    std::uint32_t registration_id = 0;
    std::uint32_t signed_prekey_id = 0;
};
[[nodiscard]] Result<PrekeyMessageShape> check_prekey_message(BytesView message);

}  // namespace melder::sdk
