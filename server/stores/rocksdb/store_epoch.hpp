#pragma once
// The store's epoch stands in the store and in a file outside it, and beside it a *mark* that rises with every start
// and every hour of running, in the store first: a store that was put back from a backup has another epoch or a lower
// mark than the file, and is noticed unless backup and restore lie within one hour of one run.

#include <string>

#include <rocksdb/db.h>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/random.hpp"

namespace melder::server {

struct OpenedEpoch {
    StoreEpoch epoch;
    bool restored = false;   ///< a new one was made because the caller said so
    std::uint64_t mark = 0;  ///< as it stands in both places now
};
/// Compares, creates for a new store, or renews with `restored`: the new number is above both and not below the time in
/// seconds, so that it exceeds those of epochs that a backup of the file outside has forgotten as well.
/// `store_epoch_mismatch`, `io_error`, `store_corrupt`.
[[nodiscard]] Result<OpenedEpoch> open_epoch(rocksdb::DB& db, const std::string& epoch_file, bool restored,
                                             UnixTime now, Random& random);
/// Raises the mark by one, in both places. One caller at a time.
[[nodiscard]] Result<void> raise_mark(rocksdb::DB& db, const std::string& epoch_file, OpenedEpoch& epoch);

}  // namespace melder::server
