#pragma once
// A change of the order log being prepared: nothing of it counts before it was committed.

#include <unordered_map>

#include "core/order_draft.hpp"
#include "keyserver/keyserver.hpp"

namespace melder::keyserver {

struct Keyserver::LogDraft {
    std::unique_ptr<OrderBook> read_again;  ///< set: the log under a list that judges otherwise, in the book's place
    OrderDraft book;                        ///< with the draft's entries applied
    std::uint64_t expected_size = 0;
    server::DirectoryChange change;  ///< entries, and the devices whose standing or grant they change
    std::vector<Bytes> entries;
    std::shared_ptr<const TrustList> trust;  ///< set: the list that comes into force
    std::vector<EnrolmentId> ended;          ///< their prekeys go
    bool replays = false;                    ///< of entries that were accepted before; rows may be lost

    explicit LogDraft(const OrderBook& present) : book(present), expected_size(present.size()) {}

    /// Valid until the next one is added.
    server::DeviceRow& add(server::DeviceRow row) {
        rows_.emplace(row.device, change.devices.size());
        return change.devices.emplace_back(std::move(row));
    }
    [[nodiscard]] server::DeviceRow* find(const EnrolmentId& device) {
        const auto found = rows_.find(device);
        return found == rows_.end() ? nullptr : &change.devices[found->second];
    }

private:
    std::unordered_map<EnrolmentId, std::size_t> rows_;  ///< places in change.devices
};

}  // namespace melder::keyserver
