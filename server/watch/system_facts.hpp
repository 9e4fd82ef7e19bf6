#pragma once
// What the operating system says about this process and its disks. Every call reads a file system and may block: never
// on a network thread. Thread-safe.

#include <cstdint>
#include <optional>
#include <string>

namespace melder::server {

/// Bytes that a process without privileges may still write below `directory`; empty if the system does not say.
[[nodiscard]] std::optional<std::uint64_t> free_bytes_of(const std::string& directory);

/// Whether a file could be made in `directory`, filled and synced. Nothing of it stays. A full disk is unwritable.
[[nodiscard]] bool is_writable(const std::string& directory);

/// Resident memory in bytes (/proc/self/statm); empty where there is no /proc.
[[nodiscard]] std::optional<std::uint64_t> resident_bytes();

/// Open file descriptors of this process, without the one that counts them; empty where there is no /proc.
[[nodiscard]] std::optional<std::uint64_t> open_descriptors();

/// Most file descriptors this process may hold; empty: unlimited.
[[nodiscard]] std::optional<std::uint64_t> descriptor_limit();

/// Processor time of all threads so far, in seconds.
[[nodiscard]] double cpu_seconds();

}  // namespace melder::server
