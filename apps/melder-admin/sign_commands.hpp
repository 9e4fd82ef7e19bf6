#pragma once
// `sign` on a machine without a network, `submit` on one with it, and writing the file that travels between them.

#include <ostream>
#include <string>

#include "apps/melder-admin/commands.hpp"
#include "apps/melder-admin/sign_request.hpp"

namespace melder::admin {

/// For whatever command has --sign-request: a new file, mode 0600, and what to do with it.
[[nodiscard]] Result<void> write_sign_request(const Session& session, const std::string& file,
                                              const SignRequest& request, std::ostream& out);

struct SignOptions {
    std::string file;
    std::string out;  ///< empty: `file` is replaced
    bool all = false;
    bool yes = false;
    bool json = false;
};
/// Says in words what would be signed, asks, adds the signature of `key` to everything in the file.
[[nodiscard]] Result<void> sign_file(const SignOptions& options, const Ed25519Seed& key, std::ostream& out);
/// Hands everything in the file to the server, units and officers of an import included: everything is in force then,
/// or nothing. What the server has already is skipped, so it may be repeated.
[[nodiscard]] Result<void> submit_file(Session& session, const std::string& file, std::ostream& out);

}  // namespace melder::admin
