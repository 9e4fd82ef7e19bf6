#pragma once
// The directory that --vault names: the SDK's vault, and beside it what enrol was told, so that later commands need
// nothing else.
//
//     DIR/device     the vault, owned by the SDK
//     DIR/server     HOST:PORT
//     DIR/root-set   the pinned root set

#include <filesystem>
#include <optional>
#include <string>

#include "melder/account.hpp"

namespace melder::apps {

struct Settings {
    sdk::ServerEndpoint server;
    std::vector<std::uint8_t> root_set;
};

/// nullopt unless HOST:PORT with a port of 1..65535.
[[nodiscard]] std::optional<sdk::ServerEndpoint> parse_server(const std::string& text);

class Home {
public:
    explicit Home(std::filesystem::path directory) : directory_(std::move(directory)) {}
    [[nodiscard]] std::filesystem::path vault() const { return directory_ / "device"; }

    /// What was typed, else what is remembered; nullopt with a sentence in `missing`.
    [[nodiscard]] std::optional<Settings> settings(const std::string& server, const std::string& root_file,
                                                   std::string& missing) const;
    /// Mode 0700; each file appears whole or not at all.
    [[nodiscard]] bool remember(const Settings& settings) const;

private:
    std::filesystem::path directory_;
};

}  // namespace melder::apps
