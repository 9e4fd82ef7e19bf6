#pragma once
// Secrets: wiped when destroyed and when moved from, never copied by accident, never printed, never compared with ==.

#include <cstddef>
#include <span>
#include <utility>

#include "core/bytes.hpp"

namespace melder {

/// Overwrites memory in a way the compiler may not remove (OPENSSL_cleanse).
void wipe(void* data, std::size_t size_bytes) noexcept;
inline void wipe(std::span<Byte> bytes) noexcept {
    wipe(bytes.data(), bytes.size());
}

/// N secret bytes. `Tag` keeps keys of one size apart.
template <std::size_t N, class Tag = void>
class Secret {
public:
    static constexpr std::size_t size_bytes = N;

    Secret() noexcept = default;
    explicit Secret(std::span<const Byte, N> bytes) noexcept { std::ranges::copy(bytes, bytes_.begin()); }
    ~Secret() { wipe(bytes_); }
    Secret(Secret&& other) noexcept : bytes_(other.bytes_) { wipe(other.bytes_); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            wipe(other.bytes_);
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    /// `malformed` unless exactly N bytes.
    [[nodiscard]] static Result<Secret> from(BytesView bytes) {
        if (bytes.size() != N) return Errc::malformed;
        return Secret(std::span<const Byte, N>(bytes));
    }
    [[nodiscard]] Secret clone() const noexcept { return Secret(std::span<const Byte, N>(bytes_)); }

    /// The one door. grep for it to see every use of a secret.
    [[nodiscard]] std::span<const Byte, N> expose() const noexcept { return bytes_; }
    [[nodiscard]] std::span<Byte, N> expose_writable() noexcept { return bytes_; }

    [[nodiscard]] bool equals(const Secret& other) const noexcept { return equal_constant_time(bytes_, other.bytes_); }

    bool operator==(const Secret&) const = delete;

private:
    ByteArray<N> bytes_{};
};

/// A secret of a length known at run time (plaintext, a passphrase). Fixed once made: it never grows, so it never
/// leaves a copy behind in a freed block. Move-only.
class SecretBuffer {
public:
    SecretBuffer() noexcept = default;
    explicit SecretBuffer(std::size_t size_bytes);  ///< zero-filled
    explicit SecretBuffer(BytesView bytes);         ///< copies; the caller wipes its own
    ~SecretBuffer();
    SecretBuffer(SecretBuffer&& other) noexcept;
    SecretBuffer& operator=(SecretBuffer&& other) noexcept;
    SecretBuffer(const SecretBuffer&) = delete;
    SecretBuffer& operator=(const SecretBuffer&) = delete;

    [[nodiscard]] SecretBuffer clone() const { return SecretBuffer(expose()); }
    [[nodiscard]] BytesView expose() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::span<Byte> expose_writable() noexcept { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// Shortens the visible length and wipes what is cut off; capacity stays until destruction.
    void truncate(std::size_t size_bytes) noexcept;
    void clear() noexcept;

    bool operator==(const SecretBuffer&) const = delete;

private:
    Byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace melder
