#include "core/setup_request.hpp"

#include <string>

namespace melder {
namespace {

constexpr std::string_view first_line = "melder-setup-request 1";
constexpr std::string_view statement_prefix = "statement-key ";
constexpr std::string_view relay_prefix = "pin relay ";
constexpr std::string_view keyserver_prefix = "pin keyserver ";
constexpr std::size_t lines_longest = 256;

Result<void> parse_line(std::string_view line, SetupRequest& out) {
    const auto rest_of = [&](std::string_view prefix) { return line.substr(prefix.size()); };
    if (line.starts_with(statement_prefix)) {
        MELDER_TRY(const auto key, Ed25519Public::from_hex(rest_of(statement_prefix)));
        out.statement_keys.push_back(key);
    } else if (line.starts_with(relay_prefix)) {
        MELDER_TRY(const auto spki, Hash::from_hex(rest_of(relay_prefix)));
        out.pins.push_back({spki, ServerRole::relay});
    } else if (line.starts_with(keyserver_prefix)) {
        MELDER_TRY(const auto spki, Hash::from_hex(rest_of(keyserver_prefix)));
        out.pins.push_back({spki, ServerRole::keyserver});
    } else {
        return Errc::malformed;
    }
    return ok();
}

Error at_line(std::size_t number) {
    return {Errc::malformed, "setup request, line " + std::to_string(number)};
}

}  // namespace

std::string SetupRequest::encode() const {
    std::string text = std::string(first_line) + "\n";
    for (const auto& key : statement_keys)
        text += std::string(statement_prefix) + key.hex() + "\n";
    for (const auto& pin : pins) {
        text += std::string(pin.role == ServerRole::relay ? relay_prefix : keyserver_prefix) + pin.spki.hex() + "\n";
    }
    return text;
}

Result<SetupRequest> SetupRequest::parse(std::string_view text) {
    SetupRequest request;
    std::size_t number = 0;
    while (!text.empty()) {
        if (++number > lines_longest) return at_line(number);
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (number == 1) {
            if (line != first_line) return at_line(number);
        } else if (!line.empty() && parse_line(line, request).has_error()) {
            return at_line(number);
        }
    }
    if (request.statement_keys.empty() || request.pins.empty()) {
        return Error(Errc::malformed, "setup request without statement key or pin");
    }
    return request;
}

}  // namespace melder
