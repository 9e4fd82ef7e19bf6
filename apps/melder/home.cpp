#include "apps/melder/home.hpp"

#include <charconv>
#include <fstream>
#include <iterator>

namespace melder::apps {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> read_file(const fs::path& path) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) return std::nullopt;
    std::ifstream file(path, std::ios::binary);
    std::string content(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad()) return std::nullopt;
    return content;
}

bool write_file(const fs::path& path, std::string_view content) {
    auto unfinished = path;
    unfinished += ".new";
    std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    std::error_code error;
    if (file) fs::rename(unfinished, path, error);
    return file && !error;
}

}  // namespace

std::optional<sdk::ServerEndpoint> parse_server(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return std::nullopt;
    sdk::ServerEndpoint server{text.substr(0, colon), 0};
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, server.port);
    if (error != std::errc() || rest != end || server.port == 0) return std::nullopt;
    return server;
}

std::optional<Settings> Home::settings(const std::string& server, const std::string& root_file,
                                       std::string& missing) const {
    const auto address = server.empty() ? read_file(directory_ / "server") : server;
    if (!address) {
        missing = "no device is enrolled in " + directory_.string() +
                  "; enrol one with --server HOST:PORT --root FILE, or name its directory with --vault";
        return std::nullopt;
    }
    const auto endpoint = parse_server(*address);
    if (!endpoint) {
        missing = "--server wants HOST:PORT, for example melder.example:4433";
        return std::nullopt;
    }
    const auto roots = read_file(root_file.empty() ? directory_ / "root-set" : fs::path(root_file));
    if (!roots) {
        missing = root_file.empty() ? "no root set is known yet; name the file your administrator gave you with --root"
                                    : "the root set cannot be read: " + root_file;
        return std::nullopt;
    }
    return Settings{*endpoint, {roots->begin(), roots->end()}};
}

bool Home::remember(const Settings& settings) const {
    std::error_code error;
    fs::create_directories(directory_, error);
    if (error) return false;
    fs::permissions(directory_, fs::perms::owner_all, error);
    if (error) return false;
    const std::string roots(settings.root_set.begin(), settings.root_set.end());
    return write_file(directory_ / "root-set", roots) &&
           write_file(directory_ / "server", settings.server.host + ":" + std::to_string(settings.server.port));
}

}  // namespace melder::apps
