#include "apps/melder-server/keys_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/melder-server/keys.hpp"

namespace melder::apps {
namespace {

constexpr std::size_t digits = 16;  // enough for `melder-admin trust sign --drop-pin`

void print(const KeyPins& pins) {
    std::cout << "shown      " << pins.current.hex() << "\nnext       " << pins.next.hex() << "\nstatement  "
              << pins.statement_key.hex() << "\n";
}

}  // namespace

KeysCommand::KeysCommand(CLI::App& app) {
    group_ = app.add_subcommand("keys", "The TLS keys: the one that is shown and the next one.");
    group_->require_subcommand(1);
    group_->fallthrough();
    group_->add_option("--config", config_file_, "The configuration file")->capture_default_str();
    group_
        ->add_subcommand("show",
                         "Prints the pins as the trust list must name them.\n\n"
                         "  melder-server keys show --config /srv/melder/melder.toml")
        ->fallthrough();
    next_ = group_->add_subcommand("next",
                                   "The next key becomes the one that is shown, and a new next one is made. No "
                                   "connection drops: the trust list in "
                                   "force pins the next key already.\n\n"
                                   "  melder-server keys next --config /srv/melder/melder.toml");
    next_->fallthrough();
}

bool KeysCommand::parsed() const {
    return group_->parsed();
}

Result<void> KeysCommand::run() const {
    MELDER_TRY(const auto config, server::ServerConfig::load(config_file_));
    if (!next_->parsed()) {
        MELDER_TRY(const auto pins, load_pins(config));
        print(pins);
        return ok();
    }
    MELDER_TRY(const auto change, advance_tls_key(config, config_file_));
    print(change.pins);
    std::cout << "Next:\n"
                 "  1. let the server show it:  kill -HUP of melder-server, or start it again\n"
                 "  2. where the root keys are: melder-admin trust sign "
              << change.request.string() << " --drop-pin " << change.former.hex().substr(0, digits)
              << "\n  3. melder-admin trust publish trust-list\n";
    return ok();
}

}  // namespace melder::apps
