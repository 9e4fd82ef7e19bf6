#pragma once
// Files that the server's commands read and write: whole, or not at all.

#include <sys/types.h>

#include <filesystem>

#include "core/secret.hpp"

namespace melder::apps {

/// A new file, synced; `already_exists`, `io_error`. Nothing is left of it after an error.
[[nodiscard]] Result<void> write_new_file(const std::filesystem::path& path, BytesView content, mode_t mode);
/// Under another name first (PATH.new), synced, then renamed, and the directory synced.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path, BytesView content, mode_t mode);
/// `config_invalid` if it cannot be read or is empty: `what_to_do` ends the sentence.
[[nodiscard]] Result<SecretBuffer> read_whole(const std::filesystem::path& path,
                                              std::string_view what_to_do = "`melder-server init` makes it");
[[nodiscard]] Error io_error(const std::filesystem::path& path, int number);

}  // namespace melder::apps
