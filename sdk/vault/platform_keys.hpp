#pragma once
// The two keys that a platform keeps for a vault. On iOS they stand in the
// Keychain / Secure Enclave, which releases them by the phone's state; on Linux
// they stand in a file.

#include <filesystem>

#include "core/random.hpp"
#include "core/secret.hpp"
#include "sdk/vault/layout.hpp"

namespace melder::sdk {

using DeviceKey = Secret<32, struct DeviceKeyTag>;
/// What the keyserver hands out with a lease; empty until leases are built.
using LeaseShare = SecretBuffer;

class PlatformKeys {
public:
    virtual ~PlatformKeys() = default;
    /// `locked` while the phone's state withholds it, `not_found` if there is
    /// none.
    [[nodiscard]] virtual Result<DeviceKey> load(Compartment compartment) = 0;
    /// Makes what is missing of the two keys, for a new vault. Never replaces
    /// one.
    [[nodiscard]] virtual Result<void> create(Random& random) = 0;
};

/// Both keys in one file, mode 0600, created atomically. A file that others may
/// read is refused (`not_allowed`); a damaged one is `vault_wrong_key`.
class FilePlatformKeys final : public PlatformKeys {
public:
    explicit FilePlatformKeys(std::filesystem::path path) : path_(std::move(path)) {}
    [[nodiscard]] Result<DeviceKey> load(Compartment compartment) override;
    [[nodiscard]] Result<void> create(Random& random) override;

private:
    std::filesystem::path path_;
};

}  // namespace melder::sdk
