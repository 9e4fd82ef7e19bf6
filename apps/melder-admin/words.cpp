#include "apps/melder-admin/words.hpp"

#include <algorithm>
#include <ctime>

namespace melder::admin {
namespace {

constexpr std::size_t shown_digits = 16;
constexpr std::size_t fewest_digits = 8;
constexpr std::size_t most_digits = 64;

std::string formatted(UnixTime time, const char* format) {
    const std::time_t seconds = time.seconds();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64] = {};
    std::strftime(text, sizeof text, format, &parts);
    return text;
}

}  // namespace

std::string date_text(UnixTime time) {
    return formatted(time, "%Y-%m-%d");
}

std::string time_text(UnixTime time) {
    return formatted(time, "%Y-%m-%d %H:%M:%S UTC");
}

std::int64_t days_until(UnixTime end, UnixTime now) {
    return (end - now) / std::chrono::hours(24);
}

std::string short_hex(std::string_view hex) {
    return std::string(hex.substr(0, shown_digits));
}

std::string roles_text(const std::vector<Role>& roles) {
    return std::ranges::find(roles, Role::leader) == roles.end() ? "member" : "member+leader";
}

Result<std::string> parse_beginning(std::string_view text, std::string_view option) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    const bool hex = std::ranges::all_of(out, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (!hex || out.size() < fewest_digits || out.size() > most_digits) {
        return Error(Errc::bad_argument, std::string(option) +
                                             " takes the first 8 or more hex digits, as `trust show` prints them; '" +
                                             std::string(text) + "' is none");
    }
    return out;
}

}  // namespace melder::admin
