// demo-swap-identity CONFIG DEVICE: does to a stopped server's store what somebody who owns the server would try, in
// order to read a device's messages: puts an identity key of his own in the place of the device's, and signs as well as
// he can, which is without the enrolment key. scripts/demo shows that phones refuse the outcome.

#include <iostream>

#include "core/credential.hpp"
#include "proto/trust.pb.h"
#include "server/config/server_config.hpp"
#include "server/stores/directory_rows.hpp"
#include "server/stores/rocksdb/database.hpp"
#include "server/stores/rocksdb/key_layout.hpp"

namespace {

using namespace melder;
namespace rows = server::directory_rows;

/// The binding with another identity key, signed by that key and by an enrolment key of the attacker's.
Result<Bytes> forge(const Bytes& encoded, server::BoundRow& bound) {
    wire::SignedBinding message;
    if (!message.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return Errc::malformed;
    MELDER_TRY(auto binding, Binding::parse(view(message.body())));
    auto& random = system_random();
    const auto own = generate_x25519(random);
    binding.identity_key = own.public_key;
    bound.identity_key = own.public_key;
    const auto forged = sign_binding(binding, random.secret<Ed25519Seed>(), own.private_key, random);
    message.set_body(to_string(forged.body));
    message.set_enrolment_signature(to_string(forged.enrolment_signature));
    message.set_identity_signature(to_string(forged.identity_signature));
    return to_bytes(view(message.SerializeAsString()));
}

Result<void> swap_identity(const std::string& config_file, const std::string& device_id) {
    MELDER_TRY(const auto config, server::ServerConfig::load(config_file));
    MELDER_TRY(const auto device, EnrolmentId::from_hex(device_id));
    MELDER_TRY(
        const auto database,
        server::Database::open(
            {.directory = config.data_directory, .epoch_file = config.epoch_file, .restored = false, .env = nullptr},
            system_clock(), system_random()));
    auto* family = database->family(server::key_layout::directory_family);
    const auto key = rows::key(rows::device_prefix, {device.view()});
    std::string value;
    MELDER_CHECK(server::Database::result_of(database->db().Get({}, family, key, &value)));
    MELDER_TRY(auto row, rows::decode_device(view(value)));
    if (!row.bound) return Errc::unknown_device;
    MELDER_TRY(row.bound->binding, forge(row.bound->binding, *row.bound));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    return server::Database::result_of(database->db().Put(synced, family, key, rows::encode(row)));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: demo-swap-identity CONFIG DEVICE\n";
        return 2;
    }
    const auto done = swap_identity(argv[1], argv[2]);
    if (done.has_error()) std::cerr << "demo-swap-identity: " << done.error() << "\n";
    return done.has_error() ? 1 : 0;
}
