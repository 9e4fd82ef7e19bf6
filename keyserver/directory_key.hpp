#pragma once
// The key under which names rest: grants, officers, units. It lives in a file outside the data directory (32 raw
// bytes); a stolen store without it names nobody.

#include <string>

#include "core/crypto.hpp"

namespace melder::keyserver {

class DirectoryKey {
public:
    using Master = Secret<32, struct DirectoryMasterTag>;
    explicit DirectoryKey(const Master& master);
    /// `wrong_directory_key` if the file is missing or has another size; the detail says what to do.
    [[nodiscard]] static Result<DirectoryKey> load(const std::string& file);

    /// 12 bytes random nonce ‖ AES-256-GCM. `place` (what and whose it is) must repeat at `open`: rows can't be
    /// swapped.
    [[nodiscard]] Bytes seal(std::string_view kind, BytesView place, BytesView plaintext, Random& random) const;
    /// `wrong_directory_key` if it does not open.
    [[nodiscard]] Result<SecretBuffer> open(std::string_view kind, BytesView place, BytesView sealed) const;
    /// Keyed hash for look-ups, so that equal names meet without being readable.
    [[nodiscard]] Hash lookup(std::string_view kind, std::string_view name) const;

private:
    AeadKey seal_key_;
    Secret<32, struct DirectoryLookupTag> lookup_key_;
};

}  // namespace melder::keyserver
