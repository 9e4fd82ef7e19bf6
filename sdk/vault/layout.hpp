#pragma once
// The vault's layout on disk. Numbers in this file are persisted: they are
// never changed, only extended.
//
//   cells(id, tbl, lookup, version, data_key, expires_ms, grp, sealed)
//     lookup  = first 16 bytes of HMAC-SHA-256(index key of the compartment,
//     tbl ‖ 'k' ‖ key) grp     = likewise with 'g' over the group, or empty
//     sealed  = nonce (12) ‖ AES-256-GCM(data key, nonce, AAD, u16 key length ‖
//     key ‖ value) AAD     = tbl (1) ‖ lookup (16) ‖ version (8) ‖ data_key (8)
//     ‖ expires_ms (8) ‖ grp
//   data_keys(id, compartment, purpose, wrapped)
//     wrapped = nonce (12) ‖ AES-256-GCM(vault key, nonce, id ‖ compartment ‖
//     purpose, key)
//   vault key = HKDF-SHA-256(device key ‖ lease share, salt of this vault,
//   "Melder/1 vault key" ‖ compartment)
//     (the share enters length-prefixed; without a lease it is empty)
// Integers in AADs are big-endian.

#include <cstdint>
#include <string_view>

#include "core/bytes.hpp"

namespace melder::sdk {

inline constexpr int vault_schema_version = 1;
inline constexpr std::string_view vault_key_context = "Melder/1 vault key";
inline constexpr std::string_view vault_check_context = "Melder/1 vault check";

/// `boot` can be read after the first unlock of the phone and holds no name;
/// `main` only while it is unlocked.
enum class Compartment : std::uint8_t { boot = 0, main = 1 };

enum class Table : std::uint8_t {
    // boot
    boot_values = 1,   ///< enrolment id, login key, trust list, order book,
                       ///< statement, epoch, lease, generation, counters
    outbox = 2,        ///< sealed bytes and queue state
    wipe_journal = 3,  ///< reserved
    // main
    identity = 32,
    one_time_prekeys = 33,
    signed_prekeys = 34,
    sessions = 35,
    base_keys = 36,  ///< group: the signed prekey
    peers = 37,      ///< a peer device's certified identity
    credentials = 38,
    pending = 39,
    done = 40,
    outbox_content_keys = 41,  ///< before the content, so that a commit erases the key first
    outbox_content = 42,
    sequences = 43,
    crash_notes = 44,
    pending_content = 45,  ///< HMAC(sender device, content id) -> envelope id
    main_values = 46,
    sender_keys = 47,  ///< reserved for groups
    rosters = 48,      ///< reserved for groups
    conversations = 49,
    account = 50,  ///< the account engine's own small rows
    losses = 51,   ///< envelopes that could not be read
    peer_limits = 52,
};

[[nodiscard]] constexpr Compartment compartment_of(Table table) noexcept {
    return static_cast<std::uint8_t>(table) < 32 ? Compartment::boot : Compartment::main;
}

inline constexpr std::size_t lookup_bytes = 16;
using Lookup = ByteArray<lookup_bytes>;

}  // namespace melder::sdk
