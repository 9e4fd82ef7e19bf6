// melder_fill_directory CONFIG OFFICERS: enters that many officers, 1,001 units and a device of each officer into the
// store of a stopped server, sealed as the server seals them. The devices' certificates are random bytes of the usual
// size: such a server starts and searches, and nobody can log in as them.

#include <charconv>
#include <iostream>

#include "bench/sample_force.hpp"
#include "keyserver/directory_key.hpp"
#include "proto/link.pb.h"
#include "server/config/server_config.hpp"
#include "server/stores/rocksdb/directory_store.hpp"
#include "server/stores/wait_for.hpp"

namespace melder::bench {
namespace {

constexpr std::size_t officers_per_commit = 1000;
constexpr std::size_t grant_bytes = 450, binding_bytes = 300, date_bytes = 200;

Bytes filled(std::size_t size) {
    Bytes out(size);
    system_random().fill(out);
    return out;
}

server::DeviceRow device_of(const OfficerId& officer, const keyserver::DirectoryKey& key) {
    auto& random = system_random();
    const auto now = system_clock().wall();
    server::DeviceRow row;
    row.device = random.id<EnrolmentId>();
    row.officer = officer;
    row.app = default_app;
    row.enrolment_key = random.id<Ed25519Public>();
    row.bind_before = now + std::chrono::hours(24);
    row.not_before = now - std::chrono::hours(1);
    row.not_after = now + std::chrono::hours(24 * 365);
    row.sealed_grant = key.seal("grant", row.device.view(), filled(grant_bytes), random);
    row.bound = server::BoundRow{.identity_key = random.id<X25519Public>(),
                                 .login_key = P256Public(),
                                 .registration_id = 1,
                                 .bound_at = now,
                                 .binding = filled(binding_bytes),
                                 .date = filled(date_bytes)};
    return row;
}

Result<void> fill(const std::string& config_file, std::size_t officers) {
    auto& random = system_random();
    MELDER_TRY(const auto config, server::ServerConfig::load(config_file));
    MELDER_TRY(const auto key, keyserver::DirectoryKey::load(config.directory_key_file));
    server::DatabaseConfig place{.directory = config.data_directory, .epoch_file = config.epoch_file};
    MELDER_TRY(const auto database, server::Database::open(place, system_clock(), random));
    server::RocksDirectoryStore store(*database);
    const auto commit = [&](server::DirectoryChange& change) {
        return server::wait_for<server::Cursor>(
            [&](auto executor, auto done) { store.commit(std::exchange(change, {}), executor, done); });
    };

    server::DirectoryChange change;
    for (const auto& sample : SampleForce::units()) {
        wire::Unit unit;
        std::string joined;
        for (const auto& id : sample.path)
            joined += "/" + id;
        *unit.mutable_path() = {sample.path.begin(), sample.path.end()};
        unit.set_name(sample.name);
        const auto place_of = key.lookup("unit", joined);
        change.units.push_back({place_of, key.seal("unit", place_of.view(), view(unit.SerializeAsString()), random)});
    }
    SampleForce force;
    for (std::size_t i = 0; i < officers; ++i) {
        const auto sample = force.next();
        wire::Officer officer;
        officer.set_officer_id(sample.id.string());
        officer.set_display_name(sample.name);
        officer.set_service_number(sample.number);
        *officer.mutable_unit() = {sample.unit.begin(), sample.unit.end()};
        officer.add_roles(wire::ROLE_MEMBER);
        change.officers.push_back(
            {sample.id, key.seal("officer", sample.id.view(), view(officer.SerializeAsString()), random)});
        change.numbers.push_back({key.lookup("service-number", sample.number), sample.id});
        change.devices.push_back(device_of(sample.id, key));
        if (change.officers.size() == officers_per_commit) MELDER_CHECK(commit(change));
    }
    MELDER_CHECK(commit(change));
    return ok();
}

}  // namespace
}  // namespace melder::bench

int main(int argc, char** argv) {
    using namespace melder;
    std::size_t officers = 0;
    const std::string_view number = argc == 3 ? argv[2] : "";
    if (std::from_chars(number.data(), number.data() + number.size(), officers).ec != std::errc{} || officers == 0) {
        std::cerr << "usage: melder_fill_directory CONFIG OFFICERS\n";
        return 2;
    }
    const auto done = bench::fill(argv[1], officers);
    if (done.has_error()) std::cerr << "melder_fill_directory: " << done.error() << "\n";
    return done.has_error() ? 1 : 0;
}
