#pragma once
// `root show`, `root share`, `root recover`, `root succeed`, `root accept`: the root keys' later life. No network.

#include <ostream>
#include <string>
#include <vector>

#include "apps/melder-admin/home.hpp"
#include "apps/melder-admin/passphrase.hpp"

namespace melder::admin {

[[nodiscard]] Result<void> root_show(const Home& home, bool json, std::ostream& out);

struct ShareOptions {
    std::string key;  ///< empty: home's root-reserve.key
    std::size_t threshold = 3, count = 5;
    std::string out;  ///< empty: to `out`, a page each; else FILE-1.share, …
    bool json = false;
};
/// Prints the shares of one root key. The key itself is left as it is.
[[nodiscard]] Result<void> root_share(const Home& home, const ShareOptions& options, const PassphraseSource& passphrase,
                                      std::ostream& out);

struct RecoverOptions {
    std::vector<std::string> files;  ///< with one or more shares each; none: typed in
    std::string out;
    bool json = false;
};
/// Reads as many shares as the first one asks for and writes the key under a new passphrase. Lines starting with # and
/// empty ones are skipped. On a terminal a mistyped line is asked for again, elsewhere it is named and nothing is
/// written.
[[nodiscard]] Result<void> root_recover(const Home& home, const RecoverOptions& options,
                                        const PassphraseSource& passphrase, std::ostream& out);

struct SucceedOptions {
    std::string new_home;
    std::vector<std::string> root_keys;  ///< of the present set; empty: home's root-working.key
    std::vector<std::string> kept;       ///< key files of the present set that stay in the next one
    std::uint32_t threshold = 1;
    bool yes = false;
    bool json = false;
};
/// Makes the next root set in `new_home`: what is kept of the keys, new ones up to two, and root-succession, the set
/// signed by the present set's threshold.
[[nodiscard]] Result<void> root_succeed(const Home& home, const SucceedOptions& options,
                                        const PassphraseSource& passphrase, std::ostream& out);
/// Verifies root-succession under home's root set and puts the next one in its place; the former is kept beside it.
[[nodiscard]] Result<void> root_accept(const Home& home, const std::string& file, bool yes, bool json,
                                       std::ostream& out);

}  // namespace melder::admin
