#include "sdk/vault/platform_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/crypto.hpp"

namespace melder::sdk {
namespace {

// magic (8) ‖ boot key (32) ‖ main key (32) ‖ first 8 bytes of SHA-256 over what stands before
constexpr std::string_view magic = "MLDKEY1\n";
constexpr std::size_t keys_offset = 8;
constexpr std::size_t checksum_offset = keys_offset + 64;
constexpr std::size_t file_bytes = checksum_offset + 8;

struct File {
    int descriptor = -1;
    ~File() {
        if (descriptor >= 0) ::close(descriptor);
    }
};

Error damaged(const std::filesystem::path& path) {
    return {Errc::vault_wrong_key, "the device key file is damaged: " + path.string()};
}

}  // namespace

Result<DeviceKey> FilePlatformKeys::load(Compartment compartment) {
    File file{::open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.descriptor < 0) {
        if (errno == ENOENT) return Error(Errc::not_found, "the device key file is missing: " + path_.string());
        return Error(Errc::io_error, "the device key file cannot be read: " + path_.string());
    }
    struct stat status{};
    if (::fstat(file.descriptor, &status) != 0) return Errc::io_error;
    if ((status.st_mode & 077) != 0) {
        return Error(Errc::not_allowed, "others may read the device key file; chmod 600 " + path_.string());
    }
    SecretBuffer content(file_bytes + 1);
    const auto got = ::read(file.descriptor, content.expose_writable().data(), content.size());
    if (got != static_cast<ssize_t>(file_bytes)) return damaged(path_);
    const BytesView bytes = content.expose().first(file_bytes);
    const Hash checksum = sha256(bytes.first(checksum_offset));
    if (as_chars(bytes.first(keys_offset)) != magic ||
        !equal(bytes.subspan(checksum_offset), checksum.view().first(8))) {
        return damaged(path_);
    }
    return DeviceKey::from(bytes.subspan(keys_offset + (compartment == Compartment::main ? 32u : 0u), 32));
}

Result<void> FilePlatformKeys::create(Random& random) {
    std::error_code ignored;
    if (std::filesystem::exists(path_, ignored)) return ok();
    SecretBuffer content(file_bytes);
    const auto bytes = content.expose_writable();
    std::ranges::copy(view(magic), bytes.begin());
    random.fill(bytes.subspan(keys_offset, 64));
    const Hash checksum = sha256(BytesView(bytes.first(checksum_offset)));
    std::ranges::copy(checksum.view().first(8), bytes.begin() + checksum_offset);

    // Whole under its name or not there: link() after fsync, and it refuses to replace.
    const std::string unfinished = path_.string() + ".new";
    ::unlink(unfinished.c_str());
    File file{::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    const Error failed(Errc::io_error, "the device key file cannot be written: " + path_.string());
    if (file.descriptor < 0) return failed;
    const bool written = ::write(file.descriptor, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
                         ::fsync(file.descriptor) == 0;
    const bool named = written && (::link(unfinished.c_str(), path_.c_str()) == 0 || errno == EEXIST);
    ::unlink(unfinished.c_str());
    if (!named) return failed;
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    File directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.descriptor < 0 || ::fsync(directory.descriptor) != 0) return failed;
    return ok();
}

}  // namespace melder::sdk
