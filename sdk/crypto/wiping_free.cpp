#include "sdk/crypto/wiping_free.hpp"

#include <signal/signal_protocol.h>

#include <atomic>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MELDER_FOREIGN_ALLOCATOR 1
#endif
#endif

namespace {

std::atomic<unsigned long> wiped{0};

}  // namespace

#if defined(__GLIBC__) && !defined(MELDER_FOREIGN_ALLOCATOR)

#include <malloc.h>
#include <string.h>

#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t);
void __libc_free(void*);
__attribute__((visibility("default"))) void free(void* block) noexcept;
__attribute__((visibility("default"))) void* realloc(void* block, std::size_t size) noexcept;
}

void free(void* block) noexcept {
    if (block == nullptr) return;
    explicit_bzero(block, malloc_usable_size(block));
    wiped.fetch_add(1, std::memory_order_relaxed);
    __libc_free(block);
}

// The C library's own moves a block, or gives back its end, without asking anybody.
void* realloc(void* block, std::size_t size) noexcept {
    if (block == nullptr) return __libc_malloc(size);
    if (size == 0) {
        free(block);
        return nullptr;
    }
    const auto usable = malloc_usable_size(block);
    if (size <= usable && size >= usable / 2) return block;
    void* moved = __libc_malloc(size);
    if (moved == nullptr) return nullptr;
    memcpy(moved, block, size < usable ? size : usable);
    free(block);
    return moved;
}

#endif

namespace melder::sdk {

bool library_frees_wiped() {
    static const bool reached = [] {
        auto* buffer = signal_buffer_alloc(1);
        const auto before = wiped.load();
        signal_buffer_free(buffer);
        return wiped.load() != before;
    }();
    return reached;
}

}  // namespace melder::sdk
