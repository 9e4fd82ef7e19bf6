#include "tests/sdk/crypto/binding.hpp"

const bool melder::sdk::testing::curve_should_be_bound = true;
