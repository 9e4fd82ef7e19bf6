// Carries the precompiled header: a target of objects needs a source.

#include "cmake/precompiled.hpp"
