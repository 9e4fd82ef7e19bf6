#pragma once
// Who signs a device's login. The key may live where nobody can read it (Secure Enclave), so the link only asks.

#include <functional>

#include "core/crypto.hpp"

namespace melder::client {

class LoginKey {
public:
    using Signed = std::function<void(Result<ByteArray<64>>)>;
    virtual ~LoginKey() = default;
    /// ECDSA P-256 with SHA-256 over `message`, r‖s. `done` is called once, from any thread, also from within the call.
    virtual void sign(Bytes message, Signed done) = 0;
};

/// A login key in memory.
class MemoryLoginKey final : public LoginKey {
public:
    explicit MemoryLoginKey(P256Private key) : key_(std::move(key)) {}
    void sign(Bytes message, Signed done) override { done(sign_p256(key_, message)); }

private:
    P256Private key_;
};

}  // namespace melder::client
