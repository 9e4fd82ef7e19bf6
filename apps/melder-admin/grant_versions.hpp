#pragma once
// New versions of grants, one or fifty thousand: fetched, changed, signed, entered. What takes something away becomes
// an order (supersede).

#include <string>
#include <vector>

#include "apps/melder-admin/commands.hpp"
#include "apps/melder-admin/grant_change.hpp"
#include "apps/melder-admin/sign_request.hpp"

namespace melder::admin {

struct GrantWish {
    EnrolmentId device;
    GrantChange change;
};
struct GrantVersions {
    std::vector<SignItem> grants;  ///< versions that take nothing away
    std::vector<SignItem> orders;  ///< supersede orders
    std::size_t unchanged = 0;     ///< devices whose grant says so already
    [[nodiscard]] std::size_t size() const { return grants.size() + orders.size(); }
};
struct VersionOptions {
    std::string reason;                       ///< of the orders; `bad_argument` if there are some and it is empty
    const Ed25519Seed* second_key = nullptr;  ///< signs besides: above 50 grants or 20 orders an hour
};
/// Reads the newest version of each device's grant and signs the next one. Nothing is sent; with progress on a
/// terminal.
[[nodiscard]] Result<GrantVersions> make_versions(Session& session, const std::vector<GrantWish>& wishes,
                                                  const VersionOptions& options);
/// Orders first: if they are refused nothing was changed.
[[nodiscard]] Result<void> enter_versions(Session& session, const GrantVersions& versions);

}  // namespace melder::admin
