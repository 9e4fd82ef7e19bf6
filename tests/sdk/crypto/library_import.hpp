#pragma once
// Puts a function of a test between libsignal-protocol-c and what it imports: only the library's own calls are caught,
// whatever allocator the process has.

#include <elf.h>
#include <link.h>

#include <cstring>
#include <stdexcept>
#include <string_view>

namespace melder::sdk::testing {

class LibraryImport {
public:
    /// The library calls `replacement` where it called `name`, until this object ends. Throws if it imports no `name`.
    LibraryImport(std::string_view name, void* replacement) : name_(name) {
        ::dl_iterate_phdr(look_at, this);
        if (slot_ == nullptr) throw std::runtime_error("libsignal does not import this function");
        former_ = *slot_;
        *slot_ = replacement;
    }
    ~LibraryImport() { *slot_ = former_; }
    LibraryImport(const LibraryImport&) = delete;
    LibraryImport& operator=(const LibraryImport&) = delete;

private:
    // The C library has turned the addresses in the dynamic section into pointers.
    template <class T>
    static const T* at(const ElfW(Dyn) & entry) {
        return reinterpret_cast<const T*>(entry.d_un.d_ptr);
    }
    static int look_at(dl_phdr_info* info, std::size_t, void* user) {
        if (std::strstr(info->dlpi_name, "libsignal-protocol-c") == nullptr) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
            if (info->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
            const auto* dynamic = reinterpret_cast<const ElfW(Dyn)*>(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
            static_cast<LibraryImport*>(user)->find_slot(info->dlpi_addr, dynamic);
        }
        return 1;
    }
    void find_slot(ElfW(Addr) base, const ElfW(Dyn) * dynamic) {
        const ElfW(Sym)* symbols = nullptr;
        const char* strings = nullptr;
        const ElfW(Rela)* relocations = nullptr;
        std::size_t bytes = 0;
        for (; dynamic->d_tag != DT_NULL; ++dynamic) {
            if (dynamic->d_tag == DT_SYMTAB) symbols = at<ElfW(Sym)>(*dynamic);
            if (dynamic->d_tag == DT_STRTAB) strings = at<char>(*dynamic);
            if (dynamic->d_tag == DT_JMPREL) relocations = at<ElfW(Rela)>(*dynamic);
            if (dynamic->d_tag == DT_PLTRELSZ) bytes = dynamic->d_un.d_val;
        }
        for (std::size_t i = 0; i < bytes / sizeof(ElfW(Rela)); ++i) {
            const auto& symbol = symbols[ELF64_R_SYM(relocations[i].r_info)];
            if (name_ == strings + symbol.st_name) slot_ = reinterpret_cast<void**>(base + relocations[i].r_offset);
        }
    }

    std::string_view name_;
    void** slot_ = nullptr;
    void* former_ = nullptr;
};

}  // namespace melder::sdk::testing
