#pragma once
// libsignal's cryptography over OpenSSL: fetched algorithms and reused contexts (a naive provider doubles the cost of a
// message), and the one place where the key of the message in hand can be seen.
//
// Thread: as SessionLayer, one lane.

#include <memory>
#include <optional>

#include <signal/signal_protocol.h>

#include "core/random.hpp"
#include "sdk/crypto/session_layer.hpp"

namespace melder::sdk {

class SignalProvider {
public:
    /// `random` outlives the provider, the provider outlives every context it is given to.
    explicit SignalProvider(Random& random);
    ~SignalProvider();
    SignalProvider(const SignalProvider&) = delete;
    SignalProvider& operator=(const SignalProvider&) = delete;

    /// For signal_context_set_crypto_provider.
    [[nodiscard]] signal_crypto_provider callbacks() noexcept;

    /// Key and IV of the last message that was encrypted or decrypted since `forget`. libsignal decrypts only after the
    /// MAC has passed, so what is seen here belongs to an authentic message.
    [[nodiscard]] std::optional<MessageKey> take_message_key();
    void forget();

    struct Contexts;

private:
    std::unique_ptr<Contexts> contexts_;
};

/// AES-256-CBC with PKCS #7 padding. `undecryptable` if length or padding is wrong.
[[nodiscard]] Result<SecretBuffer> open_cbc(const MessageKey& key, BytesView ciphertext);

}  // namespace melder::sdk
