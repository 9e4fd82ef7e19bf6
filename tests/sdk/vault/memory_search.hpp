#pragma once
// Looks for secrets in every writable mapping of this process, freed blocks included.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/secret.hpp"

namespace melder::sdk::testing {

inline constexpr std::size_t pattern_bytes = 24;
/// Held inverted, so that the search does not find itself.
using Inverted = ByteArray<pattern_bytes>;

inline Inverted inverted(BytesView secret) {
    Inverted out;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<Byte>(~secret[i]);
    return out;
}

/// Looks at a forked copy of this process, so that the search's own buffers are not searched.
inline int occurrences(const Inverted& pattern) {
    const pid_t copy = ::fork();
    if (copy == 0) {
        for (;;)
            ::pause();
    }
    SecretBuffer needle(pattern_bytes);
    for (std::size_t i = 0; i < pattern_bytes; ++i)
        needle.expose_writable()[i] = static_cast<Byte>(~pattern[i]);
    const std::string process = "/proc/" + std::to_string(copy);
    const int memory = ::open((process + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    std::ifstream maps(process + "/maps");
    int found = 0;
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0;
        unsigned long end = 0;
        char rights[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3) continue;
        // A sanitizer's shadow is terabytes of reserved nothing.
        if (rights[0] != 'r' || rights[1] != 'w' || end - begin > (256UL << 20)) continue;
        SecretBuffer mapping(end - begin);
        const auto got = ::pread(memory, mapping.expose_writable().data(), mapping.size(), static_cast<off_t>(begin));
        if (got <= 0) continue;
        const Byte* at = mapping.expose().data();
        const Byte* last = at + got;
        while ((at = static_cast<const Byte*>(
                    ::memmem(at, static_cast<std::size_t>(last - at), needle.expose().data(), needle.size())))) {
            ++found;
            ++at;
        }
    }
    ::close(memory);
    ::kill(copy, SIGKILL);
    ::waitpid(copy, nullptr, 0);
    return found;
}

}  // namespace melder::sdk::testing
