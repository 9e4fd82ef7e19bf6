#include "apps/melder-admin/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace melder::admin {
namespace fs = std::filesystem;
namespace {

Error io_error(const fs::path& file, bool writing = true) {
    const int number = errno;
    if (number == EEXIST) return {Errc::already_exists, file.string()};
    const char* const hint = number == ENOSPC   ? "; make room and repeat"
                             : number == EACCES ? "; look at its owner and mode"
                             : number == ENOENT ? "; look at the path"
                                                : "";
    return {Errc::io_error, file.string() + (writing ? " cannot be written (" : " cannot be read (") +
                                std::strerror(number) + ")" + hint};
}

class Descriptor {
public:
    Descriptor(const fs::path& file, int flags, unsigned mode = 0)
        : number_(::open(file.c_str(), flags | O_CLOEXEC, mode)) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

Result<void> write_all(const Descriptor& to, const fs::path& file, BytesView bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(to.number(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return io_error(file);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    if (::fsync(to.number()) != 0) return io_error(file);
    return ok();
}

Result<void> write_exclusively(const fs::path& at, const fs::path& named, BytesView bytes, unsigned mode) {
    const Descriptor file(at, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (!file.valid()) return io_error(named);
    auto written = write_all(file, named, bytes);
    if (written.has_error()) ::unlink(at.c_str());
    return written;
}

Result<void> sync_directory_of(const fs::path& file) {
    const auto directory = fs::absolute(file).parent_path();
    const Descriptor opened(directory, O_RDONLY | O_DIRECTORY);
    if (!opened.valid() || ::fsync(opened.number()) != 0) return io_error(directory);
    return ok();
}

}  // namespace

Result<SecretBuffer> read_file(const fs::path& file, std::size_t longest) {
    const Descriptor from(file, O_RDONLY);
    struct stat about{};
    if (!from.valid() || ::fstat(from.number(), &about) != 0) return io_error(file, false);
    if (S_ISDIR(about.st_mode)) return Error(Errc::io_error, file.string() + " is a directory; name a file");
    if (static_cast<std::size_t>(about.st_size) > longest) return Error(Errc::too_large, file.string());
    SecretBuffer out(static_cast<std::size_t>(about.st_size));
    std::size_t have = 0;
    while (have < out.size()) {
        const auto read = ::read(from.number(), out.expose_writable().data() + have, out.size() - have);
        if (read < 0 && errno == EINTR) continue;
        if (read < 0) return io_error(file, false);
        if (read == 0) break;
        have += static_cast<std::size_t>(read);
    }
    out.truncate(have);
    return out;
}

Result<void> write_new_file(const fs::path& file, BytesView bytes, unsigned mode) {
    auto draft = file;
    draft += ".new";
    ::unlink(draft.c_str());  // left by a crash
    MELDER_CHECK(write_exclusively(draft, file, bytes, mode));
    // A link, not a rename: what stands there is never overwritten.
    const bool linked = ::link(draft.c_str(), file.c_str()) == 0;
    const auto failure = io_error(file);
    ::unlink(draft.c_str());
    if (!linked) return failure;
    return sync_directory_of(file);
}

Result<void> replace_file(const fs::path& file, BytesView bytes, unsigned mode) {
    struct stat about{};
    if (::stat(file.c_str(), &about) == 0 && !S_ISREG(about.st_mode))
        return Error(Errc::io_error, file.string() + " is no file; name one, or one that does not exist");
    auto draft = file;
    draft += ".new";
    ::unlink(draft.c_str());  // left by a crash
    MELDER_CHECK(write_exclusively(draft, file, bytes, mode));
    if (::rename(draft.c_str(), file.c_str()) != 0) {
        const auto failure = io_error(file);
        ::unlink(draft.c_str());
        return failure;
    }
    return sync_directory_of(file);
}

Result<void> append_line(const fs::path& file, std::string_view line) {
    const Descriptor to(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (!to.valid()) return io_error(file);
    return write_all(to, file, view(std::string(line) + "\n"));
}

}  // namespace melder::admin
