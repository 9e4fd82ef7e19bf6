#pragma once
// What rests in a store, as anybody who took the disk would see it: kinds, counts, ids, sizes and times. For
// `melder-server inspect` and the demo; reads on the calling thread, writes nothing.

#include <string_view>
#include <vector>

#include "server/stores/rocksdb/database.hpp"
#include "server/stores/rocksdb/mailbox_row.hpp"

namespace melder::server {

struct StoreSurvey {
    struct Table {
        std::string_view name;
        std::uint64_t rows = 0;
        std::uint64_t bytes = 0;  ///< of the values
    };
    struct Waiting {
        EnrolmentId device;
        Lane lane = Lane::normal;
        EntryState state = EntryState::fresh;
        MailboxRow row;
    };
    std::vector<Table> tables;
    std::vector<Waiting> envelopes;  ///< the first `limit`, by device, lane, state and sequence
};

/// `store_corrupt` if a row cannot be read, `io_error`.
[[nodiscard]] Result<StoreSurvey> survey(Database& database, std::size_t limit);

}  // namespace melder::server
