// The fuzz target as a plain test: its corpus, and streams of well-formed frames with a few bytes changed.

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "tests/server/link_client_frames.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace melder::server {
namespace {

using test::encode;
using test::joined;
using test::pattern;

Bytes some_stream(Random& random) {
    Bytes stream{static_cast<Byte>(random.below(256))};
    const auto frames = 1 + random.below(6);
    for (std::uint64_t i = 0; i < frames; ++i) {
        constexpr Opcode opcodes[] = {Opcode::binary, Opcode::continuation, Opcode::ping, Opcode::pong, Opcode::close};
        constexpr std::size_t sizes[] = {0, 1, 2, 125, 126, 700, 5000};
        const auto frame = encode({.opcode = opcodes[random.below(5)], .final = random.below(3) != 0},
                                  pattern(sizes[random.below(7)]));
        stream.insert(stream.end(), frame.begin(), frame.end());
    }
    const auto changes = random.below(4);
    for (std::uint64_t i = 0; i < changes; ++i)
        stream[random.below(stream.size())] ^= static_cast<Byte>(1 << random.below(8));
    return stream;
}

TEST(WebSocketCodecCorpus, changed_frames_never_break_the_codec) {
    SeededRandom random(1);
    for (int i = 0; i < 2000; ++i) {
        const auto stream = some_stream(random);
        EXPECT_EQ(LLVMFuzzerTestOneInput(stream.data(), stream.size()), 0);
    }
}

}  // namespace
}  // namespace melder::server
