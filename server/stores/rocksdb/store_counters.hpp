#pragma once
// What the one commit lane of a database counts. Written by the lane, read from anywhere.

#include "server/counter.hpp"

namespace melder::server {

struct StoreCounters {
    LatencyHistogram commit;  ///< writing one batch, with its sync
    Counter writes;           ///< in those batches
    Counter failures;         ///< batches that the store refused or whose outcome is unknown
    Counter failing;          ///< 1: the last batch was such a one
};

}  // namespace melder::server
