#pragma once
// How a row becomes the bytes of a cell: big-endian integers, byte strings with a 4-byte length. Both ends hold their
// bytes in wiped memory.

#include <optional>

#include "core/clock.hpp"
#include "core/endian.hpp"
#include "core/ids.hpp"
#include "core/secret.hpp"

namespace melder::sdk {

class CellWriter {
public:
    explicit CellWriter(std::size_t capacity_bytes = 256) : buffer_(capacity_bytes) {}

    template <std::unsigned_integral T>
    CellWriter& number(T value) {
        return fixed(big_endian(value));
    }
    CellWriter& time(UnixTime value) { return number(static_cast<std::uint64_t>(value.ms)); }
    CellWriter& fixed(BytesView bytes) {
        reserve(bytes.size());
        std::ranges::copy(bytes, buffer_.expose_writable().begin() + static_cast<std::ptrdiff_t>(used_));
        used_ += bytes.size();
        return *this;
    }
    CellWriter& bytes(BytesView bytes) { return number(static_cast<std::uint32_t>(bytes.size())).fixed(bytes); }

    [[nodiscard]] SecretBuffer take() {
        buffer_.truncate(used_);
        return std::move(buffer_);
    }

private:
    void reserve(std::size_t more) {
        if (used_ + more <= buffer_.size()) return;
        SecretBuffer larger(std::max(2 * buffer_.size(), used_ + more));
        std::ranges::copy(buffer_.expose().first(used_), larger.expose_writable().begin());
        buffer_ = std::move(larger);
    }

    SecretBuffer buffer_;
    std::size_t used_ = 0;
};

/// Every failure is `vault_unreadable`: cells are authenticated, so wrong bytes are ours or a damaged file's.
class CellReader {
public:
    explicit CellReader(BytesView bytes) : bytes_(bytes) {}

    [[nodiscard]] Result<BytesView> fixed(std::size_t size) {
        if (size > bytes_.size()) return Errc::vault_unreadable;
        const auto out = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return out;
    }
    [[nodiscard]] Result<BytesView> bytes() {
        MELDER_TRY(const auto size, number<std::uint32_t>());
        return fixed(size);
    }
    template <std::unsigned_integral T>
    [[nodiscard]] Result<T> number() {
        MELDER_TRY(const auto raw, fixed(sizeof(T)));
        return from_big_endian<T>(raw.first<sizeof(T)>());
    }
    [[nodiscard]] Result<UnixTime> time() {
        MELDER_TRY(const auto ms, number<std::uint64_t>());
        return UnixTime{static_cast<std::int64_t>(ms)};
    }
    template <class IdType>
    [[nodiscard]] Result<IdType> id() {
        MELDER_TRY(const auto raw, fixed(IdType::size_bytes));
        return IdType::from(raw);
    }
    template <class SecretType>
    [[nodiscard]] Result<SecretType> secret() {
        MELDER_TRY(const auto raw, fixed(SecretType::size_bytes));
        return SecretType::from(raw);
    }
    [[nodiscard]] Result<void> end() const {
        if (!bytes_.empty()) return Errc::vault_unreadable;
        return ok();
    }

private:
    BytesView bytes_;
};

}  // namespace melder::sdk
