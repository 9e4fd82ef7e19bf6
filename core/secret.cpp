#include "core/secret.hpp"

#include <openssl/crypto.h>

namespace melder {

void wipe(void* data, std::size_t size_bytes) noexcept {
    if (size_bytes != 0) OPENSSL_cleanse(data, size_bytes);
}

SecretBuffer::SecretBuffer(std::size_t size_bytes)
    : data_(size_bytes == 0 ? nullptr : new Byte[size_bytes]()), size_(size_bytes), capacity_(size_bytes) {}

SecretBuffer::SecretBuffer(BytesView bytes) : SecretBuffer(bytes.size()) {
    std::ranges::copy(bytes, data_);
}

SecretBuffer::~SecretBuffer() {
    clear();
}

SecretBuffer::SecretBuffer(SecretBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
    if (this != &other) {
        clear();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
}

void SecretBuffer::truncate(std::size_t size_bytes) noexcept {
    if (size_bytes >= size_) return;
    wipe(data_ + size_bytes, size_ - size_bytes);
    size_ = size_bytes;
}

void SecretBuffer::clear() noexcept {
    if (data_ == nullptr) return;
    wipe(data_, capacity_);
    delete[] data_;
    data_ = nullptr;
    size_ = capacity_ = 0;
}

}  // namespace melder
