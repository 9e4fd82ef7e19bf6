#include "apps/melder-server/run.hpp"

#include <csignal>
#include <iostream>

#include "apps/json.hpp"
#include "apps/melder-server/server_process.hpp"

namespace melder::apps {
namespace {

/// A reload that fails changes as little as possible and is a line in the log: the server goes on.
void reload(const std::string& config_file, ServerProcess& server, server::Log& log) {
    const auto done = server.reload(config_file);
    if (done.has_error()) {
        log.error("reload_failed",
                  {{"code", done.error().code()}, {"reason", server::LocalFact(done.error().detail())}});
    } else {
        log.info("reloaded", {{"log_level", server::LocalFact(name_of(log.level()))}});
    }
}

}  // namespace

Result<void> run_server(const std::string& config_file, bool restored, bool json) {
    // Before any thread starts, so that only this one receives them.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
        sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    MELDER_TRY(const auto config, server::ServerConfig::load(config_file));
    MELDER_TRY(const auto log, server::Log::open(config.log));
    MELDER_TRY(const auto started,
               ServerProcess::start(config, {.restored = restored}, system_clock(), system_random(), *log));

    // Scripts read these lines to learn ports that the system chose.
    const auto tell = [json](const char* name, const char* words, std::uint16_t port) {
        if (json) {
            std::cout << JsonLine().number(name, port).str() << std::endl;
        } else {
            std::cout << "melder-server: " << words << " on port " << port << std::endl;
        }
    };
    tell("ready_on_port", "ready", started->port());
    if (started->watch_port() != 0) tell("watched_on_port", "watched", started->watch_port());
    int received = 0;
    while (sigwait(&signals, &received) != 0 || received == SIGHUP) {
        if (received == SIGHUP) reload(config_file, *started, *log);
    }
    log->info("stopping", {{"signal", received}});
    started->stop();
    return ok();
}

}  // namespace melder::apps
