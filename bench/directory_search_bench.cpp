// Searching a directory: one search, and making the index anew. Run: melder_directory_search_bench

#include <malloc.h>

#include <benchmark/benchmark.h>

#include "bench/sample_force.hpp"
#include "keyserver/directory_search.hpp"

namespace melder::bench {
namespace {

using keyserver::DirectorySearch;

struct Directory {
    keyserver::NamedOfficers officers;
    keyserver::NamedUnits units;
};

Directory directory_of(std::size_t size) {
    Directory out;
    SampleForce force;
    SeededRandom random(1);
    for (const auto& unit : SampleForce::units())
        out.units[random.id<Hash>()] = {keyserver::search_unit_of(unit.path), unit.name};
    for (std::size_t i = 0; i < size; ++i) {
        auto officer = force.next();
        out.officers[officer.id] = {std::move(officer.name), std::move(officer.number),
                                    keyserver::search_unit_of(officer.unit)};
    }
    return out;
}

void build(benchmark::State& state) {
    const auto before = ::mallinfo2().uordblks;
    const auto directory = directory_of(static_cast<std::size_t>(state.range(0)));
    const auto names = ::mallinfo2().uordblks - before;
    std::size_t bytes = 0;
    for (auto _ : state) {
        const DirectorySearch index(directory.officers, directory.units);
        bytes = index.bytes();
        benchmark::DoNotOptimize(bytes);
    }
    state.counters["names_MiB"] = static_cast<double>(names) / (1024 * 1024);
    state.counters["index_MiB"] = static_cast<double>(bytes) / (1024 * 1024);
}
BENCHMARK(build)->Arg(50'000)->Unit(benchmark::kMillisecond);

void find(benchmark::State& state, const char* text) {
    static const auto directory = directory_of(50'000);
    static const DirectorySearch index(directory.officers, directory.units);
    const auto everybody = [](const OfficerId&) { return true; };
    std::size_t found = 0;
    for (auto _ : state) {
        const auto page = index.find(text, std::nullopt, 20, everybody);
        found = page->officers.size();
        benchmark::DoNotOptimize(found);
    }
    state.counters["found"] = static_cast<double>(found);
}
BENCHMARK_CAPTURE(find, a_letter, "m")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find, a_surname, "mueller")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find, a_beginning_and_first_name, "schm anna")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find, a_service_number, "10012345")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find, a_surname_in_a_unit, "becker d7")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find, the_whole_force, "landespolizei")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find, eight_letters, "a b d e l m r s")->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(find, nobody, "xyzzy")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace melder::bench

BENCHMARK_MAIN();
