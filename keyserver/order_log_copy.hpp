#pragma once
// The order log's second place: a file on another disk (the configuration asks for it), to which each entry is synced
// before it is answered. It survives a lost or restored store, so revocations do too.
//
// Layout: per entry 4 bytes length (big-endian), the entry, 4 bytes: the first of SHA-256(length ‖ entry). An
// incomplete tail (a crash) is cut off at the start; the entry had not been answered.

#include <string>
#include <vector>

#include "core/bytes.hpp"

namespace melder::keyserver {

class OrderLogCopy {
public:
    /// Creates the file if it is missing. `io_error`; `store_corrupt` if an entry in the middle is damaged. Names the
    /// file.
    [[nodiscard]] static Result<OrderLogCopy> open(const std::string& file);
    ~OrderLogCopy();
    OrderLogCopy(OrderLogCopy&& other) noexcept;
    OrderLogCopy& operator=(OrderLogCopy&& other) = delete;
    OrderLogCopy(const OrderLogCopy&) = delete;

    /// As found by `open`; released by the caller once compared.
    [[nodiscard]] std::vector<Bytes>& found() noexcept { return found_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Finds room for what `append` will write: `storage_full` if there is none. The file's contents stay as they are.
    [[nodiscard]] Result<void> reserve(std::uint64_t bytes);
    [[nodiscard]] static std::uint64_t bytes_of(const std::vector<Bytes>& entries);
    /// Synced when it returns. After an error the file ends where it ended before, or further appends are refused.
    [[nodiscard]] Result<void> append(const std::vector<Bytes>& entries);

private:
    OrderLogCopy(int descriptor, std::string file) : descriptor_(descriptor), file_(std::move(file)) {}
    [[nodiscard]] Error failed(std::string_view what) const;

    int descriptor_ = -1;
    std::string file_;
    std::uint64_t size_ = 0;
    std::uint64_t end_ = 0;  ///< offset behind the last entry
    bool broken_ = false;
    std::vector<Bytes> found_;
};

}  // namespace melder::keyserver
