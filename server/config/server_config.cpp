#include "server/config/server_config.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#define TOML_EXCEPTIONS 0
// The library asserts some of what it then checks and reports by itself, "a = {[" for one: a report is what we want.
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>

namespace melder::server {
namespace {

namespace fs = std::filesystem;

constexpr unsigned cores_most = 256;
constexpr unsigned handshakes_most = 1'000'000;
constexpr unsigned prekey_limit_most = 1'000;

/// Reads the keys of one file and remembers which were asked for, so that what is left over is a mistake.
class Reader {
public:
    Reader(const toml::table& table, std::string file, fs::path base)
        : table_(table), file_(std::move(file)), base_(std::move(base)) {}

    [[nodiscard]] Result<std::string> text(std::string_view section, std::string_view key,
                                           std::optional<std::string> otherwise = std::nullopt) {
        const auto* node = find(section, key);
        if (node == nullptr) {
            if (otherwise) return *otherwise;
            return missing(section, key);
        }
        const auto value = node->value_exact<std::string>();
        if (!value) return wrong(*node, section, key, "must be a string in quotes");
        if (value->empty()) return wrong(*node, section, key, "must not be empty");
        return *value;
    }

    [[nodiscard]] Result<std::string> path(std::string_view section, std::string_view key) {
        MELDER_TRY(const auto value, text(section, key));
        return (base_ / value).lexically_normal().string();
    }

    [[nodiscard]] Result<std::vector<LinkConfig::Endpoint>> endpoints(std::string_view section, std::string_view key) {
        const auto* node = find(section, key);
        if (node == nullptr) return missing(section, key);
        const auto* list = node->as_array();
        if (list == nullptr || list->empty()) {
            return wrong(*node, section, key, "must be a list such as [\"0.0.0.0:5222\"]");
        }
        std::vector<LinkConfig::Endpoint> out;
        for (const auto& item : *list) {
            const auto value = item.value_exact<std::string>();
            auto endpoint = value ? parse_endpoint(*value) : Errc::bad_argument;
            if (endpoint.has_error()) {
                return wrong(item, section, key,
                             "holds something that is not ADDRESS:PORT, such as \"127.0.0.1:5222\"");
            }
            out.push_back(std::move(endpoint).value());
        }
        return out;
    }

    [[nodiscard]] Result<PrekeyLimits> prekeys() {
        PrekeyLimits out;
        for (const auto& [key, place] :
             {std::pair("takes_per_pair", &out.takes_per_pair), std::pair("pair_interval_s", &out.pair_interval_s),
              std::pair("takes_per_source", &out.takes_per_source),
              std::pair("takes_per_source_per_second", &out.takes_per_source_per_second),
              std::pair("one_time_per_hour", &out.one_time_per_hour)}) {
            MELDER_TRY(*place, number("prekeys", key, *place, prekey_limit_most, 1));
        }
        return out;
    }

    [[nodiscard]] Result<AdmissionLimits> admission() {
        AdmissionLimits out;
        MELDER_TRY(out.handshakes,
                   number("link", "handshakes", static_cast<unsigned>(out.handshakes), handshakes_most, 1));
        MELDER_TRY(out.handshakes_per_source,
                   number("link", "handshakes_per_address", static_cast<unsigned>(out.handshakes_per_source),
                          handshakes_most, 1));
        MELDER_TRY(out.enrolments_per_minute,
                   number("link", "enrolments_per_address_a_minute", out.enrolments_per_minute, handshakes_most, 1));
        return out;
    }

    [[nodiscard]] Result<unsigned> number(std::string_view section, std::string_view key, unsigned otherwise,
                                          unsigned most, unsigned least = 0) {
        const auto* node = find(section, key);
        if (node == nullptr) return otherwise;
        const auto value = node->value_exact<std::int64_t>();
        if (!value || *value < least || *value > most) {
            return wrong(*node, section, key,
                         "must be a number from " + std::to_string(least) + " to " + std::to_string(most));
        }
        return static_cast<unsigned>(*value);
    }

    /// Missing or "": off. Anybody who reaches the address may ask, so another one than this machine's own is to be
    /// meant.
    [[nodiscard]] Result<std::optional<LinkConfig::Endpoint>> watch() {
        const auto* node = find("watch", "listen");
        const auto* beyond = find("watch", "beyond_loopback");
        if (beyond != nullptr && !beyond->is_boolean()) {
            return wrong(*beyond, "watch", "beyond_loopback", "must be true or false");
        }
        if (node == nullptr) return std::nullopt;
        const auto value = node->value_exact<std::string>();
        if (value && value->empty()) return std::nullopt;
        auto endpoint = value ? parse_endpoint(*value) : Errc::bad_argument;
        if (endpoint.has_error()) {
            return wrong(*node, "watch", "listen", R"(must be ADDRESS:PORT, such as "127.0.0.1:9464", or "" for none)");
        }
        if (!is_loopback(*endpoint) && (beyond == nullptr || !beyond->value_or(false))) {
            return wrong(*node, "watch", "listen",
                         "is not this machine's own (127.0.0.1 or [::1]), and whoever reaches it may ask; if that is "
                         "meant, say beyond_loopback = true");
        }
        return std::move(endpoint).value();
    }

    /// After everything was asked for: names the first key that nobody wanted.
    [[nodiscard]] Result<void> nothing_else() const {
        for (const auto& [section, node] : table_) {
            const auto* inner = node.as_table();
            if (inner == nullptr || !sections_.contains(std::string(section.str()))) {
                return at(section.source(), "unknown section or key \"" + std::string(section.str()) + "\"");
            }
            for (const auto& [key, value] : *inner) {
                const auto name = std::string(section.str()) + "." + std::string(key.str());
                if (!asked_.contains(name)) return at(key.source(), "unknown key \"" + name + "\"");
            }
        }
        return ok();
    }

    [[nodiscard]] Error wrong(const toml::node& node, std::string_view section, std::string_view key,
                              const std::string& why) const {
        return at(node.source(), name(section, key) + " " + why);
    }
    [[nodiscard]] const toml::node* find(std::string_view section, std::string_view key) {
        sections_.insert(std::string(section));
        asked_.insert(name(section, key));
        const auto* table = table_[section].as_table();
        return table == nullptr ? nullptr : table->get(key);
    }

private:
    [[nodiscard]] static std::string name(std::string_view section, std::string_view key) {
        return std::string(section) + "." + std::string(key);
    }
    [[nodiscard]] Error missing(std::string_view section, std::string_view key) const {
        return {Errc::config_invalid, file_ + ": " + name(section, key) + " is missing; it is required"};
    }
    [[nodiscard]] Error at(const toml::source_region& where, const std::string& what) const {
        return {Errc::config_invalid, file_ + ", line " + std::to_string(where.begin.line) + ": " + what};
    }

    const toml::table& table_;
    std::string file_;
    fs::path base_;
    std::set<std::string> sections_;
    std::set<std::string> asked_;
};

/// True if `path` lies in `directory` (both already normal).
bool lies_in(const fs::path& path, const fs::path& directory) {
    const auto relative = path.lexically_relative(directory);
    return !relative.empty() && *relative.begin() != "..";
}

/// What protects against the loss or theft of the data directory must not rest in it.
Result<void> check_places(const ServerConfig& config, const std::string& file) {
    const struct {
        const std::string& path;
        const char* key;
    } outside[] = {{config.epoch_file, "store.epoch_file"},
                   {config.order_log_copy, "store.order_log_copy"},
                   {config.directory_key_file, "keys.directory_key"}};
    for (const auto& place : outside) {
        if (lies_in(place.path, config.data_directory)) {
            return Error(
                Errc::config_invalid,
                file + ": " + place.key + " lies inside store.data_directory; put it outside, best on another disk");
        }
    }
    return ok();
}

}  // namespace

Result<LinkConfig::Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return Errc::bad_argument;
    auto address = text.substr(0, colon);
    const auto digits = text.substr(colon + 1);
    LinkConfig::Endpoint out;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return Errc::bad_argument;
    const bool bracketed = address.size() > 2 && address.front() == '[' && address.back() == ']';
    if (bracketed) address = address.substr(1, address.size() - 2);
    out.address = std::string(address);
    in6_addr parsed{};
    if (::inet_pton(bracketed ? AF_INET6 : AF_INET, out.address.c_str(), &parsed) != 1) return Errc::bad_argument;
    return out;
}

bool is_loopback(const LinkConfig::Endpoint& endpoint) {
    in_addr four{};
    if (::inet_pton(AF_INET, endpoint.address.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
    in6_addr six{};
    return ::inet_pton(AF_INET6, endpoint.address.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

namespace {

/// The first line (from 1) with a character beyond ASCII outside of a comment, or with a multi-line string; 0 if there
/// is none. toml++ 3.1 may ask of any such character whether it is white space, and runs into undefined behaviour for
/// many, "ä" among them. Values are paths and addresses; a person's words stand in comments.
std::size_t find_stray_character(std::string_view text) {
    std::size_t line = 1;
    char quote = 0;
    bool comment = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\n') {
            ++line;
            quote = 0;
            comment = false;
        } else if (comment) {
            continue;
        } else if ((static_cast<unsigned char>(c) & 0x80) != 0) {
            return line;
        } else if (quote != 0) {
            if (c == '\\' && quote == '"' && text.substr(i + 1, 1) != "\n") ++i;
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            if (text.substr(i, 3) == std::string(3, c)) return line;
            quote = c;
        } else if (c == '#') {
            comment = true;
        }
    }
    return 0;
}

}  // namespace

Result<ServerConfig> ServerConfig::parse(std::string_view text, const std::string& file, const std::string& base) {
    if (const auto line = find_stray_character(text); line != 0) {
        return Error(Errc::config_invalid,
                     file + ", line " + std::to_string(line) +
                         ": a text stands on one line, and letters beyond ASCII in comments only");
    }
    const auto parsed = toml::parse(text, file);
    if (!parsed) {
        const auto& error = parsed.error();
        return Error(Errc::config_invalid, file + ", line " + std::to_string(error.source().begin.line) + ": " +
                                               std::string(error.description()));
    }
    Reader reader(parsed.table(), file, base);
    ServerConfig config;
    MELDER_TRY(config.listen, reader.endpoints("link", "listen"));
    MELDER_TRY(config.cores, reader.number("link", "cores", 0, cores_most));
    MELDER_TRY(config.admission, reader.admission());
    MELDER_TRY(config.prekeys, reader.prekeys());
    MELDER_TRY(config.certificate_file, reader.path("keys", "tls_certificate"));
    MELDER_TRY(config.private_key_file, reader.path("keys", "tls_private_key"));
    MELDER_TRY(config.statement_key_file, reader.path("keys", "statement_key"));
    MELDER_TRY(config.directory_key_file, reader.path("keys", "directory_key"));
    MELDER_TRY(config.root_set_file, reader.path("trust", "root_set"));
    MELDER_TRY(config.trust_list_file, reader.path("trust", "trust_list"));
    MELDER_TRY(config.data_directory, reader.path("store", "data_directory"));
    MELDER_TRY(config.epoch_file, reader.path("store", "epoch_file"));
    MELDER_TRY(config.order_log_copy, reader.path("store", "order_log_copy"));
    MELDER_TRY(config.watch, reader.watch());
    MELDER_TRY(const auto level, reader.text("log", "level", "info"));
    if (const auto known = parse_log_level(level); known.has_value()) {
        config.log.level = *known;
    } else {
        return reader.wrong(*reader.find("log", "level"), "log", "level", "must be debug, info, warn or error");
    }
    if (reader.find("log", "file") != nullptr) {
        MELDER_TRY(config.log.file, reader.path("log", "file"));
    }
    MELDER_CHECK(reader.nothing_else());
    MELDER_CHECK(check_places(config, file));
    return config;
}

Result<ServerConfig> ServerConfig::load(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) {
        return Error(Errc::config_invalid, file + " cannot be read; `melder-server init DIRECTORY` writes one");
    }
    std::error_code ignored;
    return parse(text.str(), file, fs::absolute(fs::path(file).parent_path(), ignored).string());
}

}  // namespace melder::server
