#pragma once
// How the keyserver asks its store: on its own lanes, which may block.

#include "server/stores/wait_for.hpp"

namespace melder::keyserver {

using server::wait_for;

}  // namespace melder::keyserver
