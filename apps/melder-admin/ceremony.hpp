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

struct ListDraft {
    std::vector<SetupRequest> servers;
    std::vector<AdminKey> admins;
    const TrustList* previous = nullptr;  ///< its keys, pins and limits are kept, what is named here is added
    UnixTime now;
    Millis valid{};
};
/// The next list, signed by the root keys given. Refuses what TrustList::verify would refuse, too few keys included.
[[nodiscard]] Result<SignedBytes> sign_trust_list(const ListDraft& draft, const RootSet& roots,
                                                  const std::vector<Ed25519Seed>& keys);

}  // namespace melder::admin
