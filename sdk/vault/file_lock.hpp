#pragma once
// One process owns a vault: an exclusive flock on a file beside it, released by the kernel when the owner dies.

#include <filesystem>

#include "core/result.hpp"

namespace melder::sdk {

class FileLock {
public:
    FileLock() = default;
    FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileLock& operator=(FileLock&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    ~FileLock();

    /// Never waits: `vault_in_use` while somebody else holds it, also within this process.
    [[nodiscard]] static Result<FileLock> take(const std::filesystem::path& path);

private:
    int descriptor_ = -1;
};

}  // namespace melder::sdk
