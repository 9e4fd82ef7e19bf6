#pragma once
// `codes issue`, `codes status`, `codes reissue`: a roll-out.

#include <ostream>
#include <string>

#include "apps/melder-admin/commands.hpp"

namespace melder::admin {

struct BatchOptions {
    std::string file;  ///< service numbers to issue for, or the .batch file
    std::string out;   ///< NAME of the files to write
    std::string code_valid = "21d";
    std::string grant_valid = "365d";
    bool without_second_part = false;
    bool waiting_too = false;                 ///< `reissue`: also for those who may still use their code
    bool qr = false;                          ///< NAME.qr/: the first parts as PNG files, one for each officer
    const Ed25519Seed* second_key = nullptr;  ///< above 50 grants an hour
    std::string sign_request;                 ///< the same, by a file for a second administrator: nothing is entered
};
/// Writes NAME.batch, NAME.mdm.csv, NAME.parts and NAME.qr/ before the server hears of anything, so that no code gets
/// lost; none of them may exist. If the server takes none of them they are removed again; if it takes some, the rest is
/// open in `codes status` and comes again with `codes reissue`.
[[nodiscard]] Result<void> issue_batch(Session& session, const BatchOptions& options, std::ostream& out);
[[nodiscard]] Result<void> show_batch(Session& session, const BatchOptions& options, std::ostream& out);
/// New codes for whoever of the batch has none that works: never entered, expired, revoked, and no newer one either.
[[nodiscard]] Result<void> reissue_batch(Session& session, const BatchOptions& options, std::ostream& out);

}  // namespace melder::admin
