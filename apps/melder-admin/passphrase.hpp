#pragma once
// Where a passphrase comes from: a file, a descriptor, or the terminal. Never the command line, which everybody can
// read.

#include <optional>
#include <string>

#include "core/secret.hpp"

namespace melder::admin {

struct PassphraseSource {
    std::string file;  ///< first line; wins when set
    std::optional<int> descriptor;
};

/// At least 1 byte, without the line's end. `prompt` is shown on the terminal; with `confirm` it is asked for twice.
/// `bad_argument` without a terminal or when the two differ.
[[nodiscard]] Result<SecretBuffer> read_passphrase(const PassphraseSource& source, const std::string& prompt,
                                                   bool confirm);

}  // namespace melder::admin
