#pragma once
// Small files of the administrator's own: read whole, written whole or not at all.

#include <filesystem>

#include "core/secret.hpp"

namespace melder::admin {

inline constexpr std::size_t file_bytes_longest = 16u * 1024 * 1024;

/// `io_error` with the file's name; `too_large` beyond `longest`.
[[nodiscard]] Result<SecretBuffer> read_file(const std::filesystem::path& file,
                                             std::size_t longest = file_bytes_longest);
/// `already_exists` rather than an overwritten key. Under another name first (FILE.new): a crash leaves all of it or
/// nothing.
[[nodiscard]] Result<void> write_new_file(const std::filesystem::path& file, BytesView bytes, unsigned mode);
/// Under another name first, then renamed: a crash leaves the old or the new one. Only a regular file is replaced.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& file, BytesView bytes, unsigned mode);
/// Appends one line and syncs.
[[nodiscard]] Result<void> append_line(const std::filesystem::path& file, std::string_view line);

}  // namespace melder::admin
