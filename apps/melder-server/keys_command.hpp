#pragma once
// The command line of `melder-server keys`. The object outlives the parse.

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
    [[nodiscard]] Result<void> run(bool json) const;

private:
    std::string config_file_ = "melder.toml";
    bool statement_ = false;
    CLI::App* group_ = nullptr;
    CLI::App* next_ = nullptr;
};

}  // namespace melder::apps
