#pragma once

namespace melder::sdk::testing {

/// Whether this test program is the one where our curve definitions bind.
extern const bool curve_should_be_bound;

}  // namespace melder::sdk::testing
