// Each target on its corpus, on beginnings of it, and on what a few changed bytes make of it: fast, and the same each
// time. The fuzzers themselves run longer (docs/BENCHMARKS.md).

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "core/protobuf_log.hpp"
#include "core/random.hpp"
#include "tests/fuzz/targets.hpp"

namespace melder::fuzz {
namespace {

std::vector<Bytes> corpus_of(std::string_view target) {
    std::vector<std::filesystem::path> files;
    const auto folder = std::filesystem::path(MELDER_SOURCE_DIR "/tests/fuzz/corpus") / target;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        files.push_back(entry.path());
    std::ranges::sort(files);
    std::vector<Bytes> inputs;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    return inputs;
}

class Corpus : public ::testing::TestWithParam<Target> {};

TEST_P(Corpus, every_input_and_its_neighbours_keep_the_targets_promises) {
    constexpr int neighbours = 60;
    constexpr std::size_t beginnings = 20;
    const auto inputs = corpus_of(GetParam().name);
    ASSERT_FALSE(inputs.empty());
    SeededRandom random(1);
    silence_protobuf();
    GetParam().run({});
    for (const auto& input : inputs) {
        GetParam().run(input);
        for (std::size_t i = 0; i < beginnings; ++i)
            GetParam().run(BytesView(input).first(input.size() * i / beginnings));
        for (int i = 0; i < neighbours && !input.empty(); ++i) {
            auto changed = input;
            for (auto left = 1 + random.below(3); left > 0; --left)
                changed[random.below(changed.size())] ^= static_cast<Byte>(1 << random.below(8));
            GetParam().run(changed);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, ::testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace melder::fuzz
