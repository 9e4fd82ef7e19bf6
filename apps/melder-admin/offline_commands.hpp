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
                                     bool json, std::ostream& out);
/// Writes FILE and FILE.pub.
[[nodiscard]] Result<void> key_create(const std::string& file, const std::string& rights,
                                      const PassphraseSource& passphrase, bool json, std::ostream& out);

}  // namespace melder::admin
