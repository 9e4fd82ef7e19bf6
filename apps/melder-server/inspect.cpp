#include "apps/melder-server/inspect.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <iostream>

#include "apps/json.hpp"
#include "server/stores/rocksdb/store_survey.hpp"

namespace melder::apps {
namespace {

std::string utc(UnixTime time) {
    const auto seconds = static_cast<std::time_t>(time.seconds());
    std::tm parts{};
    std::array<char, 32> text{};
    ::gmtime_r(&seconds, &parts);
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &parts);
    return text.data();
}

const char* name_of(server::EntryState state) {
    switch (state) {
        case server::EntryState::fresh:
            return "new";
        case server::EntryState::held:
            return "held";
        case server::EntryState::aside:
            return "aside";
        case server::EntryState::expired:
            return "expired";
    }
    return "unknown";
}

void print_json(const server::StoreSurvey& survey) {
    for (const auto& table : survey.tables) {
        std::cout << JsonLine().text("table", table.name).number("rows", table.rows).number("bytes", table.bytes).str()
                  << "\n";
    }
    for (const auto& each : survey.envelopes) {
        std::cout << JsonLine()
                         .text("envelope", each.row.id.hex())
                         .text("device", each.device.hex())
                         .text("lane", melder::name_of(each.lane))
                         .text("state", name_of(each.state))
                         .number("header_bytes", each.row.header.size())
                         .number("body_bytes", each.row.body_bytes)
                         .number("expires_at_ms", static_cast<std::uint64_t>(each.row.expires_at.ms))
                         .str()
                  << "\n";
    }
}

}  // namespace

Result<void> inspect(const server::ServerConfig& config, std::size_t limit, bool json, const Clock& clock,
                     Random& random) {
    MELDER_TRY(
        const auto database,
        server::Database::open(
            {.directory = config.data_directory, .epoch_file = config.epoch_file, .restored = false, .env = nullptr},
            clock, random));
    MELDER_TRY(const auto survey, server::survey(*database, limit));
    if (json) {
        print_json(survey);
        return ok();
    }
    std::printf("%-32s %10s %14s\n", "table", "rows", "bytes");
    for (const auto& table : survey.tables)
        std::printf("%-32.*s %10llu %14llu\n", static_cast<int>(table.name.size()), table.name.data(),
                    static_cast<unsigned long long>(table.rows), static_cast<unsigned long long>(table.bytes));
    if (survey.envelopes.empty()) return ok();
    std::printf("\n%-32s %-32s %-9s %-7s %7s %7s  %s\n", "envelope", "for device", "lane", "state", "header", "body",
                "expires");
    for (const auto& each : survey.envelopes) {
        const auto lane = melder::name_of(each.lane);
        std::printf("%s %s %-9.*s %-7s %7zu %7u  %s\n", each.row.id.hex().c_str(), each.device.hex().c_str(),
                    static_cast<int>(lane.size()), lane.data(), name_of(each.state), each.row.header.size(),
                    each.row.body_bytes, utc(each.row.expires_at).c_str());
    }
    return ok();
}

}  // namespace melder::apps
