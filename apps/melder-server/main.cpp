// melder-server: relay and keyserver in one process, on one machine's store.

#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include "apps/help_order.hpp"
#include "apps/melder-server/init.hpp"
#include "apps/melder-server/inspect.hpp"
#include "apps/melder-server/keys_command.hpp"
#include "apps/melder-server/run.hpp"
#include "apps/melder-server/version.hpp"
#include "apps/misspelt.hpp"
#include "apps/refusal.hpp"
#include "server/config/server_config.hpp"

namespace {

using namespace melder;

constexpr const char* program = "melder-server";
constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

Result<void> init(const apps::InitOptions& options, bool json) {
    MELDER_CHECK(apps::init_server(options, system_random()));
    const auto& directory = options.directory;
    if (json) {
        std::cout << apps::JsonLine()
                         .text("directory", directory)
                         .text("config", directory + "/melder.toml")
                         .text("setup_request", directory + "/setup-request")
                         .str()
                  << "\n";
        return ok();
    }
    std::cout << directory << " is set up. Next:\n"
              << "  1. melder-admin root init …                     once for the whole force, on a machine without a "
                 "network\n"
              << "  2. melder-admin trust sign " << directory << "/setup-request …\n"
              << "  3. copy the root set and the signed list to " << directory << "/root-set and trust-list\n"
              << "  4. melder-server run --config " << directory << "/melder.toml\n";
    return ok();
}

Result<void> inspect(const std::string& config_file, std::size_t limit, bool json) {
    MELDER_TRY(const auto config, server::ServerConfig::load(config_file));
    return apps::inspect(config, limit, json, system_clock(), system_random());
}

int end(const Result<void>& done, bool json) {
    if (done.has_value()) return apps::end_of_output(program, json, 0);
    const auto& error = done.error();
    const bool usage = error == Errc::config_invalid || error == Errc::bad_argument;
    return apps::refuse(program, error.code(), error.message(), json, usage ? exit_usage : exit_failure);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "The server of Melder: relay and keyserver in one process.\n\n"
        "  melder-server init /srv/melder --order-log-copy /mnt/second-disk/order-log\n"
        "  melder-server run --config /srv/melder/melder.toml\n"
        "  curl http://127.0.0.1:9464/health                          is it well; /metrics for Prometheus\n"
        "  kill -HUP PID                                              takes over TLS files, statement key, log level "
        "and file\n"
        "  melder-server inspect --config /srv/melder/melder.toml     while it is stopped\n\n"
        "Exit codes: 0 done, or stopped as asked; 1 refused or failed; 2 wrong usage or configuration."};
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string(apps::server_version));
    bool json = false;
    app.add_flag("--json", json, "One JSON object a line; refusals on standard error too");

    apps::InitOptions init_options;
    init_options.watch = "127.0.0.1:9464";
    auto* init_command =
        app.add_subcommand("init",
                           "Makes keys, configuration and the request to the root keys.\n\n"
                           "  melder-server init /srv/melder --order-log-copy /mnt/second-disk/order-log\n");
    init_command->add_option("directory", init_options.directory, "A new or empty directory")->required();
    init_command->add_option("--listen", init_options.listen, "ADDRESS:PORT to listen on")->capture_default_str();
    init_command->add_option("--order-log-copy", init_options.order_log_copy,
                             "The order log's second place: a file on another disk [DIRECTORY/second-place/order-log]");
    init_command
        ->add_option("--watch", init_options.watch, "ADDRESS:PORT of this machine for /health and /metrics; \"\": none")
        ->capture_default_str();

    const apps::KeysCommand keys(app);
    std::string config_file = "melder.toml";
    bool restored = false;
    auto* run_command = app.add_subcommand(
        "run",
        "Runs until SIGTERM or SIGINT; nothing acknowledged is lost. SIGHUP: TLS files, statement key, log level and "
        "file.\n\n"
        "  melder-server run --config /srv/melder/melder.toml\n"
        "  melder-server run --restored --config /srv/melder/melder.toml      once, after a backup was put back\n");
    run_command->add_flag("--restored", restored, "The data directory comes from a backup: give the store a new epoch");
    std::size_t limit = 100;
    auto* inspect_command = app.add_subcommand(
        "inspect",
        "What the store of a stopped server holds: counts, ids, sizes. There is nothing else to see.\n\n"
        "  melder-server inspect --config /srv/melder/melder.toml --limit 20\n");
    inspect_command->add_option("--limit", limit, "How many waiting envelopes to list")->capture_default_str();
    for (auto* const command : {run_command, inspect_command})
        command->add_option("--config", config_file, "The configuration file")->capture_default_str();
    for (auto* const command : {init_command, run_command, inspect_command})
        command->fallthrough();
    apps::put_examples_last(app);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return apps::refuse_usage(app, program, argc, argv, error);
    }
    try {
        if (init_command->parsed()) return end(init(init_options, json), json);
        if (keys.parsed()) return end(keys.run(json), json);
        if (inspect_command->parsed()) return end(inspect(config_file, limit, json), json);
        return end(apps::run_server(config_file, restored, json), json);
    } catch (const std::exception& error) {
        std::cerr << "melder-server: " << error.what() << "; please report it\n";
        return exit_failure;
    }
}
