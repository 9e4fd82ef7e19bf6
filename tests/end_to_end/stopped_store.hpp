#pragma once
// What a hostile operator does to a store while its server stands still.

#include "tests/end_to_end/world.hpp"

namespace melder::testing {

/// Stops the world's server and takes the oldest envelope of a device's normal lane out of its store: as an upload to
/// that device alone, which anybody can send in again. Fails the test if there is none.
[[nodiscard]] wire::Submit take_out_of_the_store(World& world, const EnrolmentId& device, const Clock& clock);

}  // namespace melder::testing
