#pragma once
// The command line of keys.hpp: `melder-server keys show`, `melder-server keys next`.

#include <string>

#include "core/result.hpp"

namespace CLI {
class App;
}

namespace melder::apps {

class KeysCommand {
public:
    explicit KeysCommand(CLI::App& app);
    [[nodiscard]] bool parsed() const;
    [[nodiscard]] Result<void> run() const;  ///< prints to standard output

private:
    std::string config_file_ = "melder.toml";
    CLI::App* group_;
    CLI::App* next_;
};

}  // namespace melder::apps
