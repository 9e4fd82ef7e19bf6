#pragma once
// A change of the order log being prepared: nothing of it counts before it was committed.

#include "keyserver/keyserver.hpp"

namespace melder::keyserver {

struct Keyserver::LogDraft {
    OrderBook book;  ///< a copy, with the draft's entries applied
    std::uint64_t expected_size = 0;
    server::DirectoryChange change;  ///< entries, and the devices whose standing or grant they change
    std::vector<Bytes> entries;
    std::shared_ptr<const TrustList> trust;  ///< set: the list that comes into force
    std::vector<EnrolmentId> ended;          ///< their prekeys go
    bool replays = false;                    ///< of entries that were accepted before; rows may be lost

    explicit LogDraft(const OrderBook& present) : book(present), expected_size(present.size()) {}
};

}  // namespace melder::keyserver
