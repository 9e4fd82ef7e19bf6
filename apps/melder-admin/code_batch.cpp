#include "apps/melder-admin/code_batch.hpp"

#include <set>

#include "apps/melder-admin/csv.hpp"
#include "core/crockford.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace melder::admin {
namespace {

constexpr std::size_t second_part_characters = 9;

}  // namespace

std::string encode_batch(const std::vector<BatchEntry>& entries) {
    std::string out = "# melder-admin: devices of a batch; no secrets\n";
    for (const auto& entry : entries)
        out += csv_field(entry.service_number) + ";" + entry.device.hex() + "\n";
    return out;
}

Result<std::vector<BatchEntry>> parse_batch(std::string_view text) {
    MELDER_TRY(const auto rows, parse_csv(text));
    std::vector<BatchEntry> out;
    for (const auto& row : rows) {
        if (row.fields.size() != 2) return csv_error(row.line, 1, "expected SERVICE NUMBER;DEVICE");
        const auto device = EnrolmentId::from_hex(row.fields[1].text);
        if (device.has_error()) return csv_error(row.line, row.fields[1].column, "a device is 32 hex digits");
        out.push_back({row.fields[0].text, *device});
    }
    return out;
}

Result<std::vector<std::string>> parse_numbers(std::string_view text) {
    MELDER_TRY(const auto rows, parse_csv(text));
    std::vector<std::string> out;
    std::set<std::string> seen;
    for (const auto& row : rows) {
        const auto& number = row.fields[0].text;
        if (number.empty() || number.size() > limits::service_number_bytes || !is_one_line_of_text(number))
            return csv_error(row.line, 1, "a service number has 1 to 64 bytes");
        if (!seen.insert(number).second) return csv_error(row.line, 1, "the service number stands there twice");
        out.push_back(number);
    }
    if (out.empty()) return Error(Errc::malformed, "the file names no service number");
    return out;
}

std::string make_second_part(Random& random) {
    ByteArray<second_part_characters> bytes{};
    random.fill(bytes);
    std::string out;
    for (const Byte b : bytes)
        out += crockford_alphabet[b & 31U];  // 32 of them: no bias
    return out;
}

std::string second_part_sheet(const std::string& name, const std::string& service_number,
                              const std::string& second_part) {
    return name + "\nDienstnummer " + service_number + "\n\nZweiter Teil Ihres Melder-Codes:\n\n        " +
           second_part +
           "\n\nDer erste Teil ist schon auf Ihrem Diensttelefon. Geben Sie diese neun Zeichen ein, wenn die App "
           "danach "
           "fragt,\nund vernichten Sie das Blatt.\n\f";
}

}  // namespace melder::admin
