#include "apps/melder-admin/csv.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace melder::admin {
namespace {

constexpr std::string_view how_to_save =
    "this is not UTF-8 (perhaps Windows-1252); save the file again: in Excel as \"CSV UTF-8\", in LibreOffice with the "
    "character set \"Unicode (UTF-8)\"";

/// Characters, not bytes: what an editor calls a column. `text` is UTF-8.
std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The length of the longest prefix that is UTF-8.
std::size_t utf8_prefix(std::string_view text) {
    std::size_t good = 0;
    for (std::size_t end = 1; end <= text.size(); ++end) {
        if (is_utf8(text.substr(good, end - good))) good = end;
        if (end - good > 4) break;
    }
    return good;
}

/// The first separator outside quotes; nothing if the line has none.
char separator_of(std::string_view line) {
    bool quoted = false;
    for (const char c : line) {
        if (c == '"') quoted = !quoted;
        if (!quoted && (c == ';' || c == ',')) return c;
    }
    return '\0';
}

Result<CsvRow> parse_line(std::string_view line, std::size_t number, char separator) {
    CsvRow row{number, {}};
    std::size_t at = 0;
    std::size_t column = 1;  // of `counted`; never counted again from the line's start: a line may be all separators
    std::size_t counted = 0;
    const auto wrong = [&](std::size_t where, std::string_view why) {
        return csv_error(number, characters(line.substr(0, where)) + 1, why);
    };
    for (;;) {
        column += characters(line.substr(counted, at - counted));
        counted = at;
        CsvField field{{}, column};
        if (at < line.size() && line[at] == '"') {
            const auto opened = at++;
            for (;; ++at) {
                if (at == line.size()) return wrong(opened, "this quote is not closed on its line");
                if (line[at] != '"') {
                    field.text += line[at];
                } else if (at + 1 < line.size() && line[at + 1] == '"') {
                    field.text += line[++at];
                } else {
                    break;
                }
            }
            ++at;
            if (at < line.size() && line[at] != separator) return wrong(at, "after a closing quote the field must end");
        } else {
            for (; at < line.size() && line[at] != separator; ++at) {
                if (line[at] == '"') return wrong(at, "a quote in a field needs quotes around the whole field");
                field.text += line[at];
            }
        }
        row.fields.push_back(std::move(field));
        if (at == line.size()) return row;
        ++at;  // the separator
    }
}

}  // namespace

Error csv_error(std::size_t line, std::size_t column, std::string_view why) {
    return {Errc::malformed,
            "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + std::string(why)};
}

Result<std::vector<CsvRow>> parse_csv(std::string_view text) {
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return csv_error(1, 1, how_to_save);
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::vector<CsvRow> rows;
    char separator = '\0';
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!is_utf8(line)) return csv_error(number, characters(line.substr(0, utf8_prefix(line))) + 1, how_to_save);
        if (line.empty() || line.starts_with('#')) continue;
        if (separator == '\0') separator = separator_of(line);
        MELDER_TRY(auto row, parse_line(line, number, separator));
        const bool blank = std::ranges::all_of(row.fields, [](const CsvField& field) { return field.text.empty(); });
        if (!blank) rows.push_back(std::move(row));  // a spreadsheet writes an empty line as ";;;"
    }
    return rows;
}

std::string csv_field(std::string_view text) {
    std::string safe(text);
    if (!safe.empty() && std::string_view("=+-@\t\r").find(safe[0]) != std::string_view::npos) safe.insert(0, 1, '\'');
    if (safe.find_first_of(";,\"") == std::string::npos) return safe;
    std::string out = "\"";
    for (const char c : safe) {
        if (c == '"') out += '"';
        out += c;
    }
    return out + "\"";
}

}  // namespace melder::admin
