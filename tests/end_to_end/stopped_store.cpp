#include "tests/end_to_end/stopped_store.hpp"

#include <gtest/gtest.h>

#include "proto/envelope.pb.h"
#include "server/stores/rocksdb/database.hpp"
#include "server/stores/rocksdb/key_layout.hpp"
#include "server/stores/rocksdb/mailbox_row.hpp"

namespace melder::testing {

namespace layout = server::key_layout;

wire::Submit take_out_of_the_store(World& world, const EnrolmentId& device, const Clock& clock) {
    world.stop();
    const auto config = world.config();
    const auto database =
        server::Database::open(
            {.directory = config.data_directory, .epoch_file = config.epoch_file, .restored = false, .env = nullptr},
            clock, system_random())
            .value();
    auto* const rows = database->family(layout::mailbox_family);
    const std::unique_ptr<rocksdb::Iterator> at(database->db().NewIterator({}, rows));
    const auto prefix = layout::mailbox_prefix(device, Lane::normal, server::EntryState::fresh);
    at->Seek(prefix);
    wire::Submit out;
    if (!at->Valid() || !at->key().starts_with(prefix)) {
        ADD_FAILURE() << "the lane is empty";
        return out;
    }
    const auto row = server::MailboxRow::parse(at->value().ToStringView()).value();
    std::string body;
    EXPECT_TRUE(database->db().Get({}, database->family(layout::body_family), row.body_key, &body).ok());
    out.set_envelope_id(row.id.string());
    EXPECT_TRUE(out.mutable_body()->ParseFromString(std::string(server::body_of(body))));
    EXPECT_TRUE(out.add_headers()->ParseFromString(row.header));
    out.set_total_headers(1);
    out.set_partial(true);
    EXPECT_TRUE(database->db().Delete({}, rows, at->key()).ok());
    return out;
}

}  // namespace melder::testing
