#pragma once
// Why an error happens and what to do about it: the second half of the table in errc.hpp, for people. docs/ERRORS.md is
// made of both. A code without its help does not compile.

#include <string_view>
#include <vector>

#include "core/errc.hpp"

namespace melder {

struct ErrcHelp {
    std::string_view cause;  ///< one or two sentences with their full stops
    std::string_view todo;   ///< the same; for whoever reads the message, and for his administrator where that helps
};
/// Empty texts for a number that this version does not know.
[[nodiscard]] ErrcHelp help_of(Errc code) noexcept;

/// Every code, in the order of the table.
[[nodiscard]] std::vector<Errc> all_errcs();

}  // namespace melder
