#pragma once
// A batch of one-time codes as files. No I/O.
//
//   NAME.batch    service number;device        what was issued, no secret: for `codes status` and `codes reissue`
//   NAME.mdm.csv  service_number;code;device   what a device management imports
//   NAME.parts    one sheet per officer        the second parts, handed over another way; without one no code works

#include <string>
#include <vector>

#include "core/ids.hpp"
#include "core/random.hpp"

namespace melder::admin {

struct BatchEntry {
    std::string service_number;
    EnrolmentId device;
};
[[nodiscard]] std::string encode_batch(const std::vector<BatchEntry>& entries);
[[nodiscard]] Result<std::vector<BatchEntry>> parse_batch(std::string_view text);

/// Service numbers, one a line, or the first field of a CSV; each once. `malformed` names line and column.
[[nodiscard]] Result<std::vector<std::string>> parse_numbers(std::string_view text);

/// Nine characters of Crockford's base 32, 45 random bits (DESIGN §2 asks for at least 40). Typed exactly so.
[[nodiscard]] std::string make_second_part(Random& random);
/// The sheet that an officer gets: form feed, name and number, the second part, what to do with it.
[[nodiscard]] std::string second_part_sheet(const std::string& name, const std::string& service_number,
                                            const std::string& second_part);

}  // namespace melder::admin
