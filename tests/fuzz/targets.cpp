#include "tests/fuzz/targets.hpp"

namespace melder::fuzz {

std::span<const Target> targets() {
    static constexpr Target all[] = {
#define MELDER_FUZZ_ENTRY(name) {#name, &name},
        MELDER_FUZZ_TARGETS(MELDER_FUZZ_ENTRY)
#undef MELDER_FUZZ_ENTRY
    };
    return all;
}

}  // namespace melder::fuzz
