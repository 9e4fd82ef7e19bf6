// melder-server: relay and keyserver in one process, on one machine's store.

#include <cstdio>
#include <iostream>

#include <CLI/CLI.hpp>

#include "apps/melder-server/init.hpp"
#include "apps/melder-server/inspect.hpp"
#include "apps/melder-server/keys_command.hpp"
#include "apps/melder-server/run.hpp"
#include "apps/melder-server/version.hpp"
#include "apps/misspelt.hpp"
#include "server/config/server_config.hpp"

namespace {

using namespace melder;

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

int fail(const Error& error) {
    std::cerr << "melder-server: " << error.message() << "\n";
    const bool usage = error == Errc::config_invalid || error == Errc::bad_argument;
    return usage ? exit_usage : exit_failure;
}

int init(const apps::InitOptions& options) {
    if (const auto done = apps::init_server(options, system_random()); done.has_error()) return fail(done.error());
    std::cout << options.directory << " is set up. Next:\n"
              << "  1. melder-admin root init …                     once for the whole force, on a machine without a "
                 "network\n"
              << "  2. melder-admin trust sign " << options.directory << "/setup-request …\n"
              << "  3. copy the root set and the signed list to " << options.directory << "/root-set and trust-list\n"
              << "  4. melder-server run --config " << options.directory << "/melder.toml\n";
    return 0;
}

int inspect(const std::string& config_file, std::size_t limit) {
    const auto config = server::ServerConfig::load(config_file);
    if (config.has_error()) return fail(config.error());
    const auto done = apps::inspect(*config, limit, system_clock(), system_random());
    return done.has_error() ? fail(done.error()) : 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "The server of Melder: relay and keyserver in one process.\n\n"
        "  melder-server init /srv/melder --order-log-copy /mnt/second-disk/order-log\n"
        "  melder-server run --config /srv/melder/melder.toml\n"
        "  curl http://127.0.0.1:9464/health                          is it well; /metrics for Prometheus\n"
        "  kill -HUP PID                                              takes over TLS files and log level\n"
        "  melder-server inspect --config /srv/melder/melder.toml     while it is stopped\n\n"
        "Exit codes: 0 stopped as asked, 1 could not start or go on, 2 wrong usage or configuration."};
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string(apps::server_version));

    apps::InitOptions init_options;
    init_options.watch = "127.0.0.1:9464";
    auto* init_command = app.add_subcommand("init", "Makes keys, configuration and the request to the root keys.");
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
        "run", "Runs until SIGTERM or SIGINT; nothing acknowledged is lost. SIGHUP: TLS files, log level.");
    run_command->add_option("--config", config_file, "The configuration file")->capture_default_str();
    run_command->add_flag("--restored", restored, "The data directory comes from a backup: give the store a new epoch");
    std::size_t limit = 100;
    auto* inspect_command = app.add_subcommand(
        "inspect", "What the store of a stopped server holds: counts, ids, sizes. There is nothing else to see.");
    inspect_command->add_option("--config", config_file, "The configuration file")->capture_default_str();
    inspect_command->add_option("--limit", limit, "How many waiting envelopes to list")->capture_default_str();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const auto misspelt =
            error.get_exit_code() == 0 ? "" : apps::misspelt_command(app, "melder-server", argc, argv);
        if (misspelt.empty()) return app.exit(error) == 0 ? 0 : exit_usage;
        std::cerr << misspelt << "\n";
        return exit_usage;
    }
    try {
        if (init_command->parsed()) return init(init_options);
        if (keys.parsed()) {
            const auto done = keys.run();
            return done.has_error() ? fail(done.error()) : 0;
        }
        if (inspect_command->parsed()) return inspect(config_file, limit);
        const auto done = apps::run_server(config_file, restored);
        return done.has_error() ? fail(done.error()) : 0;
    } catch (const std::exception& error) {
        std::cerr << "melder-server: " << error.what() << "; please report it\n";
        return exit_failure;
    }
}
