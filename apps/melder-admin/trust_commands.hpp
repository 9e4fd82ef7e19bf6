#pragma once
// `trust plan`, `trust sign`, `trust show`: where the root keys are, without a network. `trust publish`: over the link.

#include <ostream>
#include <string>
#include <vector>

#include "apps/melder-admin/commands.hpp"
#include "apps/melder-admin/passphrase.hpp"

namespace melder::admin {

struct TrustSignOptions {
    std::vector<std::string> requests;      ///< setup-request files of servers
    std::vector<std::string> admins;        ///< public halves
    std::vector<std::string> retired;       ///< KEY@LOGSIZE
    std::vector<std::string> distrusted;    ///< beginnings of key ids
    std::vector<std::string> dropped_pins;  ///< beginnings of pins
    std::vector<std::string> root_keys;     ///< key files; empty: home's root-working.key
    std::string previous;                   ///< a trust list; empty: home's newest, if it has one
    std::string valid = "365d";
    std::string out;
    bool yes = false;
    bool json = false;
};
/// What `trust_sign` with the same options would change. Needs no key.
[[nodiscard]] Result<void> trust_plan(const Home& home, const TrustSignOptions& options, std::ostream& out);
/// Prints the plan, asks (unless it is the first list), signs, writes the list to `out` and home's trust-list-signed,
/// the first also to home's trust-list.
[[nodiscard]] Result<void> trust_sign(const Home& home, const TrustSignOptions& options,
                                      const PassphraseSource& passphrase, std::ostream& out);
/// `file` empty: the newest list of this home.
[[nodiscard]] Result<void> trust_show(const Home& home, const std::string& file, bool json, std::ostream& out);
/// `file` empty: home's trust-list-signed. Prints the difference to the list in force and enters the new one; refuses
/// one without the key that the server shows on this very connection, since nobody could reach the server any more.
[[nodiscard]] Result<void> trust_publish(Session& session, const std::string& file, const std::string& reason,
                                         std::ostream& out);

}  // namespace melder::admin
