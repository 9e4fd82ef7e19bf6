#include "sdk/vault/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace melder::sdk {

FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FileLock> FileLock::take(const std::filesystem::path& path) {
    FileLock lock;
    lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock.descriptor_ < 0) return Error(Errc::io_error, "the lock file cannot be opened: " + path.string());
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return Error(Errc::vault_in_use, path.string());
        return Error(Errc::io_error, "the lock file cannot be locked: " + path.string());
    }
    return lock;
}

}  // namespace melder::sdk
