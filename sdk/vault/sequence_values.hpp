#pragma once
// The numbers of a stream of messages = (sending device, conversation, lane), as the vault keeps them. Values.

#include <vector>

#include "core/clock.hpp"
#include "core/envelope.hpp"

namespace melder::sdk {

/// Both ends included.
struct SequenceRange {
    std::uint64_t first = 0, last = 0;
    friend bool operator==(const SequenceRange&, const SequenceRange&) = default;
};
/// What has arrived of a peer's stream: all numbers up to `highest` from its beginning on, but for those `missing`.
struct StreamRow {
    EnrolmentId sender;
    OfficerId conversation;
    Lane lane = Lane::normal;
    std::uint64_t highest = 0;
    std::vector<SequenceRange> missing;  ///< ascending
};

/// The messages after the run before it up to `last` live no longer than until `expires`.
struct SentRun {
    std::uint64_t last = 0;
    UnixTime expires;
    friend bool operator==(const SentRun&, const SentRun&) = default;
};
/// This device's own sending to one conversation in one lane.
struct SentRow {
    OfficerId conversation;
    Lane lane = Lane::normal;
    std::uint64_t highest = 0;  ///< given out; 0: none yet
    std::vector<SentRun> runs;  ///< ascending, bounded by who writes it
};

}  // namespace melder::sdk
