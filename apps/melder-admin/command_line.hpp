#pragma once
// The options of the command line and what its three files (cli.cpp, cli_offline.cpp, cli_force.cpp) share. Each
// `add_…` declares commands; the one that was typed is left in Line::chosen.

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>

#include "apps/melder-admin/batch_commands.hpp"
#include "apps/melder-admin/commands.hpp"
#include "apps/melder-admin/directory_import.hpp"
#include "apps/melder-admin/grant_commands.hpp"
#include "apps/melder-admin/help_desk_commands.hpp"
#include "apps/melder-admin/log_commands.hpp"
#include "apps/melder-admin/passphrase.hpp"
#include "apps/melder-admin/root_commands.hpp"
#include "apps/melder-admin/sign_commands.hpp"
#include "apps/melder-admin/trust_commands.hpp"

namespace melder::admin {

/// The options every command shares, and what the chosen one does.
struct Line {
    std::string home;
    std::string server = "localhost:5222";
    std::string key;
    PassphraseSource passphrase;
    bool json = false;
    mutable bool met_server = false;  ///< and so has warned of everything that ends
    std::function<Result<void>()> chosen;

    std::uint32_t threshold = 1;
    std::string new_key_file, rights;
    TrustSignOptions trust_sign;
    std::string file;  ///< of whatever command takes one
    CodeOptions code;
    std::string officer;
    OrderOptions order;
    ImportOptions import;
    BatchOptions batch;
    SignOptions sign;
    GrantOptions grant;
    LogOptions log;
    AsideOptions aside;
    ShareOptions share;
    RecoverOptions recover;
    SucceedOptions succeed;
    std::string second_key, second_passphrase_file;
};

/// Connects, logs in, warns about what ends soon.
[[nodiscard]] Result<Session> open_session(const Line& line);
[[nodiscard]] Result<Ed25519Seed> load_own_key(const Line& line, const Home& home);
/// --second-key and --sign-request: the two ways to a second signature.
void add_second_signature(CLI::App* command, Line& line, std::string& sign_request);
[[nodiscard]] Result<std::optional<Ed25519Seed>> load_second_key(const Line& line);

void choose(CLI::App* command, Line& line, std::function<Result<void>()> what);
CLI::App* group(CLI::App& app, const char* name, const char* text);
CLI::App* leaf(CLI::App* parent, const char* name, const std::string& text);

/// A command that needs the link: opened when it runs, not when the line is read.
template <class Command>
std::function<Result<void>()> online(Line& line, Command command) {
    return [&line, command]() -> Result<void> {
        MELDER_TRY(auto session, open_session(line));
        return command(session);
    };
}

void add_offline(CLI::App& app, Line& line);  ///< root, key, trust
void add_force(CLI::App& app, Line& line);    ///< directory, codes, devices, orders

}  // namespace melder::admin
