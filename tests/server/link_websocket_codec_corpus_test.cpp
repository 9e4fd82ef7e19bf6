// The fuzz target as a plain test, on streams of well-formed frames with a few bytes changed.

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/server/link_client_frames.hpp"

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
        fuzz::websocket_codec(some_stream(random));  // aborts if not
    }
}

}  // namespace
}  // namespace melder::server
