#pragma once
// A share of a root key on paper: six lines of 12 characters of Crockford's base 32 and two that check the line, typed
// in again by a person. 45 bytes:
//
//     version 1 (1) ‖ threshold (1) ‖ x (1) ‖ split (2) ‖ key (4) ‖ y (32) ‖ SHA-256("Melder/1 share sum" ‖ 0x00 ‖ all
//     of it) (4)
//
// `split` is random, the same in all shares of one splitting; `key` begins the key's id. A line's check is the first
// ten bits of SHA-256("Melder/1 share line" ‖ 0x00 ‖ number of the line ‖ its 12 characters): a mistyped line is found
// where it stands, swapped lines too. Letters may be small; O is read as 0, I and L as 1.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "apps/melder-admin/shamir.hpp"

namespace melder::admin {

inline constexpr std::size_t share_lines = 6;

struct PaperShare {
    Byte threshold = 0;
    SeedShare share;
    ByteArray<2> split{};
    ByteArray<4> key{};
};

/// Six lines "ABCD EFGH JKMN PQ", as secret as the key.
[[nodiscard]] std::array<SecretBuffer, share_lines> write_share(const PaperShare& share);
/// The 12 characters of line `number` (1..6) without spaces; `malformed` if the check does not fit.
[[nodiscard]] Result<SecretBuffer> read_share_line(std::string_view typed, std::size_t number);
/// From six checked lines. `malformed` if the whole does not fit, `unsupported` for a later version.
[[nodiscard]] Result<PaperShare> read_share(const std::vector<SecretBuffer>& lines);

/// The key, whole and checked against the key id in the shares. `bad_argument` says how many shares are missing, or
/// that two belong to different splittings; `malformed` if it is another key's.
[[nodiscard]] Result<Ed25519Seed> recover_seed(const std::vector<PaperShare>& shares);

}  // namespace melder::admin
