// libFuzzer's door to one target; MELDER_FUZZ_TARGET names it.

#include "core/protobuf_log.hpp"
#include "tests/fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    melder::silence_protobuf();
    melder::fuzz::MELDER_FUZZ_TARGET({data, size});
    return 0;
}
