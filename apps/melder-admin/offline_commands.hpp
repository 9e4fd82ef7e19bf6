#pragma once
// The commands that touch no network: they run where the keys are.

#include <ostream>
#include <string>
#include <vector>

#include "apps/melder-admin/home.hpp"
#include "apps/melder-admin/passphrase.hpp"

namespace melder::admin {

/// Writes root-set, root-working.key and root-reserve.key into `home`.
[[nodiscard]] Result<void> root_init(const Home& home, std::uint32_t threshold, const PassphraseSource& passphrase,
                                     std::ostream& out);
/// Writes FILE and FILE.pub.
[[nodiscard]] Result<void> key_create(const std::string& file, const std::string& rights,
                                      const PassphraseSource& passphrase, std::ostream& out);

struct TrustSignOptions {
    std::vector<std::string> requests;   ///< of servers
    std::vector<std::string> admins;     ///< public halves
    std::vector<std::string> root_keys;  ///< key files; empty: home's root-working.key
    std::string previous;                ///< a trust list; empty: home's, if it has one
    std::string valid = "365d";
    std::string out;
};
[[nodiscard]] Result<void> trust_sign(const Home& home, const TrustSignOptions& options,
                                      const PassphraseSource& passphrase, std::ostream& out);

}  // namespace melder::admin
