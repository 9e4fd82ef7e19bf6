#include "keyserver/order_log_copy.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crypto.hpp"
#include "core/endian.hpp"
#include "core/limits.hpp"

namespace melder::keyserver {
namespace {

constexpr std::size_t frame_bytes = 8;  // length and check

Bytes frame_of(BytesView entry) {
    const auto length = big_endian(static_cast<std::uint32_t>(entry.size()));
    const auto check = sha256({length, entry});
    Bytes out(length.begin(), length.end());
    out.insert(out.end(), entry.begin(), entry.end());
    const auto tail = check.view().first<4>();
    out.insert(out.end(), tail.begin(), tail.end());
    return out;
}

/// The name must survive a power cut too.
bool sync_directory_of(const std::string& file) {
    auto directory = std::filesystem::path(file).parent_path();
    if (directory.empty()) directory = ".";
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return false;
    const bool synced = ::fsync(descriptor) == 0;
    ::close(descriptor);
    return synced;
}

}  // namespace

Error OrderLogCopy::failed(std::string_view what) const {
    return {Errc::io_error,
            "the order log's second place " + file_ + " cannot be " + std::string(what) + ": " + std::strerror(errno)};
}

Result<OrderLogCopy> OrderLogCopy::open(const std::string& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    OrderLogCopy copy(descriptor, file);
    if (descriptor < 0 || !sync_directory_of(file)) return copy.failed("opened");

    std::ifstream in(file, std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) return copy.failed("read");
    BytesView rest(bytes);
    while (rest.size() >= frame_bytes) {
        const auto length = from_big_endian<std::uint32_t>(rest.first<4>());
        // A crash leaves a file that is too short, never one with a wrong length.
        if (length > limits::log_entry_bytes) {
            return Error(Errc::store_corrupt,
                         "the order log's second place " + file + " is damaged; restore it from a backup");
        }
        if (rest.size() < frame_bytes + length) break;
        const auto entry = rest.subspan(4, length);
        const auto whole = frame_of(entry);
        if (!std::ranges::equal(whole, rest.first(whole.size()))) {
            if (rest.size() == whole.size()) break;  // the tail: written, but not all of it reached the disk
            return Error(Errc::store_corrupt,
                         "the order log's second place " + file + " is damaged; restore it from a backup");
        }
        copy.found_.push_back(to_bytes(entry));
        copy.end_ += whole.size();
        ++copy.size_;
        rest = rest.subspan(whole.size());
    }
    if (copy.end_ != bytes.size() && ::ftruncate(descriptor, static_cast<off_t>(copy.end_)) != 0)
        return copy.failed("cut");
    return copy;
}

OrderLogCopy::~OrderLogCopy() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

OrderLogCopy::OrderLogCopy(OrderLogCopy&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      file_(std::move(other.file_)),
      size_(other.size_),
      end_(other.end_),
      broken_(other.broken_),
      found_(std::move(other.found_)) {}

std::uint64_t OrderLogCopy::bytes_of(const std::vector<Bytes>& entries) {
    std::uint64_t bytes = 0;
    for (const auto& entry : entries)
        bytes += frame_bytes + entry.size();
    return bytes;
}

Result<void> OrderLogCopy::reserve(std::uint64_t bytes) {
    if (broken_) return Error(Errc::io_error, "the order log's second place failed earlier; restart the server");
    if (bytes == 0) return ok();
    // Not every file system can; then the append finds out.
    const bool full =
        ::fallocate(descriptor_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(end_), static_cast<off_t>(bytes)) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
    if (full) return Error(Errc::storage_full, failed("extended").detail());
    return ok();
}

Result<void> OrderLogCopy::append(const std::vector<Bytes>& entries) {
    if (broken_) return Error(Errc::io_error, "the order log's second place failed earlier; restart the server");
    Bytes bytes;
    for (const auto& entry : entries) {
        const auto frame = frame_of(entry);
        bytes.insert(bytes.end(), frame.begin(), frame.end());
    }
    std::size_t written = 0;
    while (written < bytes.size()) {
        const auto count =
            ::pwrite(descriptor_, bytes.data() + written, bytes.size() - written, static_cast<off_t>(end_ + written));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        written += static_cast<std::size_t>(count);
    }
    if (written < bytes.size() || ::fdatasync(descriptor_) != 0) {
        auto error = failed("written");
        // After a failed sync nobody knows what the disk holds.
        broken_ = written == bytes.size() || ::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0;
        return error;
    }
    end_ += bytes.size();
    size_ += entries.size();
    return ok();
}

}  // namespace melder::keyserver
