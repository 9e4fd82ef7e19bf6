// The vault commit, counted on top of every SDK operation: alone and in groups of eight, durable and deferred. Measured
// against 185 µs alone and 97 µs a message in groups of eight (DESIGN section 4). Files go where TMPDIR points: put it
// on the disk that is meant.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>

#include "core/endian.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {
namespace {

struct Place {
    std::filesystem::path folder;
    FilePlatformKeys keys;
    std::unique_ptr<Vault> vault;
    UnixTime now{1'800'000'000'000};

    Place() : folder(make()), keys(folder / "device-key") {
        vault =
            Vault::open({.path = folder / "vault", .keys = keys, .random = system_random(), .create = true}).value();
    }
    ~Place() {
        vault.reset();
        std::filesystem::remove_all(folder);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

private:
    static std::filesystem::path make() {
        std::string name = (std::filesystem::temp_directory_path() / "melder-bench-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
        return name;
    }
};

/// What one message writes: its session record and one row (sealed bytes of a send, pending row of a receive).
void stage_message(VaultTransaction& transaction, std::uint64_t n, Table table, std::size_t row_bytes) {
    transaction.put(Table::sessions, big_endian(n % 16), SecretBuffer(1200)).value();
    transaction.put(table, big_endian(n % 512), SecretBuffer(row_bytes)).value();
}

void commit(benchmark::State& state, Table table, std::size_t row_bytes, Sync sync) {
    Place place;
    const auto group = static_cast<std::uint64_t>(state.range(0));
    std::uint64_t n = 0;
    for (auto _ : state) {
        auto transaction = place.vault->begin(place.now);
        for (std::uint64_t i = 0; i < group; ++i)
            stage_message(transaction, n++, table, row_bytes);
        transaction.commit(sync).value();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(n));
}

void send_commit(benchmark::State& state) {
    commit(state, Table::outbox, 1400, Sync::durable);
}
void receive_commit(benchmark::State& state) {
    commit(state, Table::pending, 130, Sync::deferred);
}

BENCHMARK(send_commit)->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(receive_commit)->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace melder::sdk

BENCHMARK_MAIN();
