#pragma once
// PROTOCOL.md, "Prekeys": SHA-256 over the one-time prekeys in ascending order of id, each 4 bytes id (big-endian) and
// the 33 bytes of the public key. With none: SHA-256 of nothing.

#include <span>

#include "core/crypto.hpp"
#include "core/endian.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

[[nodiscard]] inline Hash prekey_digest(std::span<const server::StoredPrekey> sorted_by_id) {
    Bytes bytes;
    for (const auto& prekey : sorted_by_id) {
        const auto id = big_endian(prekey.id);
        bytes.insert(bytes.end(), id.begin(), id.end());
        bytes.insert(bytes.end(), prekey.public_key.begin(), prekey.public_key.end());
    }
    return sha256(bytes);
}

}  // namespace melder::keyserver
