#include "apps/melder-admin/force_file.hpp"

#include <set>

#include "apps/melder-admin/csv.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"

namespace melder::admin {
namespace {

bool is_name(const std::string& text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && is_one_line_of_text(text);
}

class Reader {
public:
    Result<void> take(const CsvRow& row) {
        const auto& kind = row.fields[0].text;
        if (kind == "unit" && row.fields.size() == 3) return take_unit(row);
        if (kind == "officer" && row.fields.size() == 5) return take_officer(row);
        return csv_error(row.line, 1, "expected unit,PATH,NAME or officer,SERVICE NUMBER,NAME,UNIT,ROLES");
    }
    Force force;

private:
    static Error wrong(const CsvRow& row, std::size_t field, std::string_view why) {
        return csv_error(row.line, row.fields[field].column, why);
    }
    Result<void> take_unit(const CsvRow& row) {
        auto path = UnitPath::parse(row.fields[1].text);
        if (path.has_error() || path->empty()) return wrong(row, 1, "a unit is a path of ids such as LKA/K5");
        if (const auto parent = path->parent(); !parent.empty() && !units_.contains(parent))
            return wrong(row, 1, "the unit above this one is not named before it");
        const auto& name = row.fields[2].text;
        if (!is_name(name, limits::display_name_bytes))
            return wrong(row, 2, "a unit's name has 1 to 200 bytes on one line");
        if (!units_.insert(*path).second) return wrong(row, 1, "the unit stands there twice");
        force.units.push_back({std::move(*path), name});
        return ok();
    }
    Result<void> take_officer(const CsvRow& row) {
        const auto& number = row.fields[1].text;
        const auto& name = row.fields[2].text;
        if (!is_name(number, limits::service_number_bytes)) return wrong(row, 1, "a service number has 1 to 64 bytes");
        if (!is_name(name, limits::display_name_bytes)) return wrong(row, 2, "a name has 1 to 200 bytes on one line");
        auto unit = UnitPath::parse(row.fields[3].text);
        if (unit.has_error() || !units_.contains(*unit)) return wrong(row, 3, "the officer's unit is not named above");
        auto roles = parse_roles(row.fields[4].text);
        if (roles.has_error()) return wrong(row, 4, roles.error().detail());
        if (!numbers_.insert(number).second) return wrong(row, 1, "the service number stands there twice");
        force.officers.push_back({number, name, std::move(*unit), std::move(*roles)});
        return ok();
    }
    std::set<UnitPath> units_;
    std::set<std::string> numbers_;
};

}  // namespace

Result<std::vector<Role>> parse_roles(std::string_view text) {
    if (text == "member") return std::vector{Role::member};
    if (text == "member+leader") return std::vector{Role::member, Role::leader};
    return Error(Errc::malformed, "roles are member or member+leader");
}

Result<Force> Force::parse(std::string_view text) {
    MELDER_TRY(const auto rows, parse_csv(text));
    Reader reader;
    for (const auto& row : rows)
        MELDER_CHECK(reader.take(row));
    if (reader.force.units.empty()) return Error(Errc::malformed, "the file names no unit");
    return std::move(reader.force);
}

}  // namespace melder::admin
