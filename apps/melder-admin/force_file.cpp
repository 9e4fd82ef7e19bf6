#include "apps/melder-admin/force_file.hpp"

#include <set>

#include "core/limits.hpp"
#include "core/text.hpp"

namespace melder::admin {
namespace {

Error wrong(const char* why) {
    return {Errc::malformed, std::string(why)};
}

Result<std::vector<std::string>> split(std::string_view line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
            fields.back() += '"';
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else {
            fields.back() += c;
        }
    }
    if (quoted) return wrong("a quote is not closed");
    return fields;
}

bool is_name(const std::string& text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && is_one_line_of_text(text);
}

class Reader {
public:
    Result<void> take(std::string_view line) {
        MELDER_TRY(const auto fields, split(line));
        if (fields[0] == "unit" && fields.size() == 3) return take_unit(fields);
        if (fields[0] == "officer" && fields.size() == 5) return take_officer(fields);
        return wrong("expected unit,PATH,NAME or officer,SERVICE NUMBER,NAME,UNIT,ROLES");
    }
    Force force;

private:
    Result<void> take_unit(const std::vector<std::string>& fields) {
        auto path = UnitPath::parse(fields[1]);
        if (path.has_error() || path->empty()) return wrong("a unit is a path of ids such as LKA/K5");
        if (!is_name(fields[2], limits::display_name_bytes))
            return wrong("a unit's name has 1 to 200 bytes on one line");
        if (!units_.insert(*path).second) return wrong("the unit stands there twice");
        force.units.push_back({std::move(*path), fields[2]});
        return ok();
    }
    Result<void> take_officer(const std::vector<std::string>& fields) {
        if (!is_name(fields[1], limits::service_number_bytes)) return wrong("a service number has 1 to 64 bytes");
        if (!is_name(fields[2], limits::display_name_bytes)) return wrong("a name has 1 to 200 bytes on one line");
        auto unit = UnitPath::parse(fields[3]);
        if (unit.has_error() || !units_.contains(*unit)) return wrong("the officer's unit is not named above");
        MELDER_TRY(auto roles, parse_roles(fields[4]));
        if (!numbers_.insert(fields[1]).second) return wrong("the service number stands there twice");
        force.officers.push_back({fields[1], fields[2], std::move(*unit), std::move(roles)});
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
    Reader reader;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.starts_with('#')) continue;
        if (const auto taken = reader.take(line); taken.has_error()) {
            return Error(Errc::malformed, "line " + std::to_string(number) + ": " + taken.error().detail());
        }
    }
    if (reader.force.units.empty()) return Error(Errc::malformed, "the file names no unit");
    return std::move(reader.force);
}

}  // namespace melder::admin
