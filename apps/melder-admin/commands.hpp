#pragma once
// What an administrator asks of a running server, over the certified link. Each prints its answer to `out`.

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "apps/melder-admin/admin_link.hpp"
#include "apps/melder-admin/documents.hpp"
#include "apps/melder-admin/home.hpp"

namespace melder::admin {

struct Session {
    Home home;
    std::unique_ptr<AdminLink> link;
    Ed25519Seed key;
    bool json = false;
    /// A new link with the same key, after work that took longer than the server waits for a sign of life.
    std::function<Result<std::unique_ptr<AdminLink>>(const Ed25519Seed& key)> reopen;
};

struct CodeOptions {
    std::string officer;  ///< service number
    std::string code_valid = "24h";
    std::string grant_valid = "365d";
    std::vector<std::string> replaces;
    std::string role;                         ///< empty: as the directory says
    std::string reason;                       ///< of a replacement; for the journal
    const Ed25519Seed* second_key = nullptr;  ///< above 50 grants an hour, or with the right that the first lacks
    std::string sign_request;                 ///< instead of entering the grant: a file for a second administrator
    bool qr = false;                          ///< draw the code in the terminal
    std::string qr_file;                      ///< write the code as PNG, mode 0600
};
[[nodiscard]] Result<void> issue_code(Session& session, const CodeOptions& options, std::ostream& out);
[[nodiscard]] Result<void> list_devices(Session& session, const std::string& officer, std::ostream& out);

struct OrderOptions {
    std::string target;
    std::string reason;
    const Ed25519Seed* second_key = nullptr;
    std::string sign_request;  ///< instead of sending: a file for a second administrator
};
[[nodiscard]] Result<void> issue_order(Session& session, OrderKind kind, const OrderOptions& options,
                                       std::ostream& out);

[[nodiscard]] Result<void> show_status(Session& session, std::ostream& out);

}  // namespace melder::admin
