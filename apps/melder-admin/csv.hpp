#pragma once
// A CSV file as spreadsheets write it: UTF-8 with or without byte order mark, fields separated by `;` or `,` (whichever
// stands first outside quotes), lines ended by LF or CRLF, fields that hold a separator or a quote in double quotes, a
// quote in them doubled (RFC 4180). Blank lines and lines that begin with `#` are left out. A field never spans lines:
// a forgotten quote is found where it was forgotten.

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace melder::admin {

struct CsvField {
    std::string text;
    std::size_t column = 1;  ///< where it begins, in characters, counted from 1
};
struct CsvRow {
    std::size_t line = 1;  ///< counted from 1, as an editor shows it
    std::vector<CsvField> fields;
};

/// `malformed` with "line 3, column 7: …". Text in another encoding is refused with the sentence how to save it.
[[nodiscard]] Result<std::vector<CsvRow>> parse_csv(std::string_view text);

/// The error of one place in a file.
[[nodiscard]] Error csv_error(std::size_t line, std::size_t column, std::string_view why);

/// Quoted where it must be; a text that a spreadsheet would take for a formula gets a leading apostrophe.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace melder::admin
