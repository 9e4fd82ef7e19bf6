#pragma once
// When the numbers of a stream run out of time, in few words: the recipient tells a gap from messages that expired by
// the lowest number that has not. Neighbours whose time is the same share a run; beyond `longest` two old runs become
// one with the later time, so that what is unsure counts as not expired. Decision only.

#include <cstdint>
#include <vector>

#include "core/clock.hpp"
#include "sdk/vault/sequence_values.hpp"

namespace melder::sdk {

inline constexpr std::size_t sent_runs_longest = 64;

/// `sequence` is above every one before.
void add_sent(std::vector<SentRun>& runs, std::uint64_t sequence, UnixTime expires);
/// The lowest number of which not every one before it and itself has expired; `highest` + 1 if all have.
[[nodiscard]] std::uint64_t lowest_unexpired(const std::vector<SentRun>& runs, std::uint64_t highest, UnixTime now);

}  // namespace melder::sdk
