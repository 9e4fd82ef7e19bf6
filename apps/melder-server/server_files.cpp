#include "apps/melder-server/server_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace melder::apps {
namespace {

namespace fs = std::filesystem;

/// 0, or errno.
int write_all(int file, BytesView content) {
    while (!content.empty()) {
        const auto written = ::write(file, content.data(), content.size());
        if (written < 0 && errno != EINTR) return errno;
        if (written > 0) content = content.subspan(static_cast<std::size_t>(written));
    }
    return ::fsync(file) == 0 ? 0 : errno;
}

/// `named` is what an error says.
Result<void> write_exclusively(const fs::path& at, const fs::path& named, BytesView content, mode_t mode) {
    const int file = ::open(at.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) return io_error(named, errno);
    const int failure = write_all(file, content);
    ::close(file);
    if (failure == 0) return ok();
    ::unlink(at.c_str());
    return io_error(named, failure);
}

Result<void> sync_directory_of(const fs::path& path) {
    const auto directory = fs::absolute(path).parent_path();
    const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return io_error(directory, errno);
    const int failure = ::fsync(opened) == 0 ? 0 : errno;
    ::close(opened);
    if (failure != 0) return io_error(directory, failure);
    return ok();
}

}  // namespace

Error io_error(const fs::path& path, int number) {
    if (number == EEXIST) return {Errc::already_exists, path.string()};
    return {Errc::io_error, path.string() + " (" + std::strerror(number) + ")"};
}

Result<void> write_new_file(const fs::path& path, BytesView content, mode_t mode) {
    return write_exclusively(path, path, content, mode);
}

Result<void> replace_file(const fs::path& path, BytesView content, mode_t mode) {
    auto draft = path;
    draft += ".new";
    ::unlink(draft.c_str());  // left by a crash
    MELDER_CHECK(write_exclusively(draft, path, content, mode));
    if (::rename(draft.c_str(), path.c_str()) != 0) {
        const int failure = errno;
        ::unlink(draft.c_str());
        return io_error(path, failure);
    }
    return sync_directory_of(path);
}

Result<SecretBuffer> read_whole(const fs::path& path, std::string_view what_to_do) {
    std::ifstream in(path, std::ios::binary);
    Bytes content(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open() || content.empty())
        return Error(Errc::config_invalid, path.string() + " cannot be read; " + std::string(what_to_do));
    SecretBuffer out(content);
    wipe(content);
    return out;
}

}  // namespace melder::apps
