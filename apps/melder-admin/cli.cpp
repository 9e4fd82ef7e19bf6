#include "apps/melder-admin/cli.hpp"

#include <iostream>

#include "apps/melder-admin/command_line.hpp"
#include "apps/melder-admin/key_file.hpp"
#include "apps/melder-admin/words.hpp"
#include "apps/misspelt.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

void warn(std::string_view what, UnixTime end, std::string_view what_to_do) {
    const auto now = system_clock().wall();
    if (end - now > Millis(limits::ending_warning)) return;
    std::cerr << "warning: " << what;
    if (end < now) {
        std::cerr << " ended on " << date_text(end);
    } else {
        std::cerr << " in " << days_until(end, now) << " days";
    }
    std::cerr << "; " << what_to_do << "\n";
}

/// What ends within 60 days, on every command that meets the server.
Result<void> warn_of_endings(AdminLink& link) {
    warn("the trust list ends", link.trust().fields().not_after,
         "sign the next one with `trust sign` and enter it with `trust publish`");
    if (const auto end = link.certificate_ends())
        warn("the server's TLS certificate ends", *end, "`melder-server keys next` begins the change to the next key");
    wire::Frame ask;
    ask.mutable_status();
    MELDER_TRY(const auto reply, link.ask(std::move(ask), wire::Frame::kStatusReply));
    if (const auto end = reply.status_reply().grants_end_s(); end != 0) {
        warn("the first hundredth of the devices' grants ends", UnixTime::from_seconds(static_cast<std::int64_t>(end)),
             "`grant renew --ending-within 90d --valid 365d` renews them");
    }
    return ok();
}

void add_common(CLI::App& app, Line& line) {
    app.add_option("--home", line.home, "Directory of keys and root set [$MELDER_ADMIN_HOME, else ~/.melder-admin]");
    app.add_option("--server", line.server, "HOST:PORT of the keyserver")->capture_default_str();
    app.add_option("--key", line.key, "Your key file [HOME/admin.key]");
    app.add_option("--passphrase-file", line.passphrase.file, "Read the passphrase from the first line of a file");
    app.add_option("--passphrase-fd", line.passphrase.descriptor, "Read the passphrase from this descriptor");
    app.add_flag("--json", line.json, "One JSON object a line, where a command prints data");
}

void add_checks(CLI::App& app, Line& line) {
    auto* const log = group(app, "log", "The order log.");
    auto* const verify_command =
        leaf(log, "verify",
             "Reads the whole log, checks every signature and the chain, and compares with what "
             "was verified before.\n\n  melder-admin log verify\n");
    choose(verify_command, line, online(line, [](Session& s) { return verify_log(s, std::cout); }));
    auto* const show = leaf(log, "show",
                            "Verifies the log and prints its entries in words, with the reasons that this machine's "
                            "journal knows.\n\n"
                            "  melder-admin log show\n  melder-admin log show --device 4f0c… --last 0 --json\n");
    show->add_option("--device", line.log.device, "Only entries that name this device");
    show->add_option("--last", line.log.last, "So many of the newest entries at most; 0: all")->capture_default_str();
    choose(show, line, online(line, [&line](Session& s) { return show_log(s, line.log, std::cout); }));
    auto* const status = leaf(&app, "status", "Counts, versions and ends.\n\n  melder-admin status --json\n");
    choose(status, line, online(line, [](Session& s) { return show_status(s, std::cout); }));
}

/// The general sentence adds nothing where this tool wrote a particular one.
std::string sentence_of(const Error& error) {
    const bool particular = error == Errc::bad_argument || error == Errc::not_found || error == Errc::malformed ||
                            error == Errc::not_allowed || error == Errc::out_of_order;
    return particular && !error.detail().empty() ? error.detail() : error.message();
}

}  // namespace

Result<Ed25519Seed> load_own_key(const Line& line, const Home& home) {
    const auto file = line.key.empty() ? home.file("admin.key") : std::filesystem::path(line.key);
    MELDER_TRY(const auto passphrase, read_passphrase(line.passphrase, "Passphrase of " + file.string(), false));
    return load_key(file, passphrase);
}

Result<Session> open_session(const Line& line) {
    const Home home(line.home);
    MELDER_TRY(const auto address, parse_server(line.server));
    client::ServerTrust trust;
    MELDER_TRY(trust.roots, home.load_root_set());
    MELDER_TRY(trust.known, home.load_trust_list(trust.roots));
    MELDER_TRY(auto key, load_own_key(line, home));
    const auto open = [address, trust](const Ed25519Seed& seed) { return AdminLink::open(address, trust, seed); };
    auto link = open(key);
    if (link.has_error()) {
        const auto& error = link.error();
        return Error(error.code(), line.server + (error.detail().empty() ? "" : " (" + error.detail() + ")"));
    }
    if ((*link)->trust_is_new()) MELDER_CHECK(home.save_trust_list((*link)->trust()));
    MELDER_CHECK(warn_of_endings(**link));
    return Session{home, std::move(*link), std::move(key), line.json, open};
}

void choose(CLI::App* command, Line& line, std::function<Result<void>()> what) {
    command->callback([&line, what = std::move(what)] { line.chosen = what; });
}

CLI::App* group(CLI::App& app, const char* name, const char* text) {
    auto* const made = app.add_subcommand(name, text);
    made->require_subcommand(1);
    made->fallthrough();
    return made;
}

CLI::App* leaf(CLI::App* parent, const char* name, const std::string& text) {
    auto* const made = parent->add_subcommand(name, text);
    made->fallthrough();  // common options may stand behind the command
    return made;
}

void add_second_signature(CLI::App* command, Line& line, std::string& sign_request) {
    auto* const option = command->add_option("--second-key", line.second_key, "The second administrator's key file");
    command->add_option("--second-passphrase-file", line.second_passphrase_file, "Its passphrase");
    command
        ->add_option("--sign-request", sign_request,
                     "Send nothing: write it here for a second administrator, who signs without a network (`sign`, "
                     "`submit`)")
        ->excludes(option);
}

Result<std::optional<Ed25519Seed>> load_second_key(const Line& line) {
    std::optional<Ed25519Seed> none;
    if (line.second_key.empty()) return none;
    MELDER_TRY(const auto passphrase,
               read_passphrase({line.second_passphrase_file, {}}, "Passphrase of " + line.second_key, false));
    MELDER_TRY(auto seed, load_key(line.second_key, passphrase));
    return std::optional<Ed25519Seed>(std::move(seed));
}

int run(int argc, const char* const* argv) {
    CLI::App app{
        "The administrator's command line of Melder. Private keys stay on this machine, under a passphrase.\n\n"
        "  melder-admin root init\n"
        "  melder-admin key create ~/.melder-admin/admin.key --rights enrol,directory,leaders,revoke\n"
        "  melder-admin trust sign /srv/melder/setup-request --admin ~/.melder-admin/admin.key.pub\n"
        "  melder-admin --server melder.police.example:5222 code issue --officer 10001\n\n"
        "Exit codes: 0 done, 1 refused or failed, 2 wrong usage."};
    app.require_subcommand(1);
    app.set_version_flag("--version", "melder-admin 0.1.0");
    Line line;
    add_common(app, line);
    add_offline(app, line);
    add_force(app, line);
    add_checks(app, line);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const auto misspelt = error.get_exit_code() == 0 ? "" : apps::misspelt_command(app, "melder-admin", argc, argv);
        if (misspelt.empty()) return app.exit(error) == 0 ? 0 : exit_usage;
        std::cerr << misspelt << "\n";
        return exit_usage;
    }
    const auto done = line.chosen();
    if (done.has_value()) return 0;
    std::cerr << "melder-admin: " << sentence_of(done.error()) << "\n";
    return done.error() == Errc::bad_argument ? exit_usage : exit_failure;
}

}  // namespace melder::admin
