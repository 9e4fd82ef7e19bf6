#pragma once
// How the store's keys look on disk. Never changed, only extended: a server of a later version opens this store.
//
// Integers are big-endian, so that RocksDB's byte order is their order.

#include <string>
#include <string_view>

#include "core/endian.hpp"
#include "core/ids.hpp"
#include "server/stores/mailbox_store.hpp"

namespace melder::server::key_layout {

// Column families. Opening creates those that are missing; names are never reused for something else.
inline constexpr std::string_view meta_family = "default";
inline constexpr std::string_view mailbox_family = "mailbox";      ///< (device, lane, state, sequence) -> index row
inline constexpr std::string_view body_family = "mailbox_body";    ///< (body key) -> expiry, encoded EnvelopeBody
inline constexpr std::string_view directory_family = "directory";  ///< see directory_rows.hpp
inline constexpr std::string_view families[] = {meta_family, mailbox_family, body_family, directory_family};

// meta_family
/// 16 bytes epoch, 1 byte: 1 once it stands outside too, 8 bytes mark (missing: 0).
inline constexpr std::string_view epoch_key = "store_epoch";
inline constexpr std::string_view layout_key = "layout_version";  ///< 1 byte
inline constexpr Byte layout_version = 1;
inline constexpr std::string_view anchor_key = "anchor";  ///< empty; see write_recovery.hpp

// mailbox_family: 16 + 1 + 1 + 8 bytes
inline constexpr std::size_t mailbox_key_bytes = 26;

[[nodiscard]] inline std::string mailbox_prefix(const EnrolmentId& device) {
    return device.string();
}
[[nodiscard]] inline std::string mailbox_prefix(const EnrolmentId& device, Lane lane, EntryState state) {
    std::string key = device.string();
    key.push_back(static_cast<char>(lane));
    key.push_back(static_cast<char>(state));
    return key;
}
[[nodiscard]] inline std::string mailbox_key(const EnrolmentId& device, Lane lane, EntryState state,
                                             std::uint64_t sequence) {
    std::string key = mailbox_prefix(device, lane, state);
    key.append(as_chars(big_endian(sequence)));
    return key;
}

// body_family: 8 bytes chosen at random by the process + 8 bytes counted; new per upload attempt
[[nodiscard]] inline std::string body_key(std::uint64_t process, std::uint64_t number) {
    std::string key(as_chars(big_endian(process)));
    key.append(as_chars(big_endian(number)));
    return key;
}

}  // namespace melder::server::key_layout
