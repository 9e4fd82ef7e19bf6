#pragma once
// What happens on a machine without a network: root set, administrator keys, trust lists.

#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/setup_request.hpp"
#include "core/trust_list.hpp"

namespace melder::admin {

struct RootKeys {
    RootSet set;
    Ed25519Seed working, reserve;
};
/// Two keys; one of them (or both, with threshold 2) signs trust lists.
[[nodiscard]] Result<RootKeys> make_root_keys(std::uint32_t threshold, Random& random);

/// The public half of an administrator key, as a text file that is carried to the ceremony:
///     melder-admin-key 1
///     key <64 hex digits>
///     rights enrol,directory
[[nodiscard]] std::string encode_admin_public(const AdminKey& key);
[[nodiscard]] Result<AdminKey> parse_admin_public(std::string_view text);
/// "enrol,directory"; `bad_argument` for an unknown or repeated one.
[[nodiscard]] Result<std::vector<Right>> parse_rights(std::string_view text);
[[nodiscard]] std::string rights_text(const std::vector<Right>& rights);

/// "4f0c12ab@1200": the beginning of a key's id, and the log size from which on it no longer signs.
struct Retirement {
    std::string key;
    std::uint64_t log_size = 0;
};
[[nodiscard]] Result<Retirement> parse_retirement(std::string_view text);

struct ListDraft {
    std::vector<SetupRequest> servers;
    std::vector<AdminKey> admins;  ///< new, or known with other rights
    std::vector<Retirement> retired;
    std::vector<std::string> distrusted;    ///< beginnings of key ids
    std::vector<std::string> dropped_pins;  ///< beginnings of pins, for every role
    const TrustList* previous = nullptr;    ///< its keys, pins and limits are kept, what is named here is changed
    UnixTime now;
    Millis valid{};
};
/// What the next list would say. `bad_argument` or `not_allowed` with a sentence: a key or pin that is not in the list
/// or not named clearly, a retired or distrusted key that should come back, a role left with fewer than two pins.
[[nodiscard]] Result<TrustList::Fields> draft_list(const ListDraft& draft, const RootSet& roots);
/// The same list, signed by the root keys given. Refuses what TrustList::verify would refuse, too few keys included.
[[nodiscard]] Result<SignedBytes> sign_trust_list(const ListDraft& draft, const RootSet& roots,
                                                  const std::vector<Ed25519Seed>& keys);

}  // namespace melder::admin
