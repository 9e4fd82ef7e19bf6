#include "apps/melder-admin/cli.hpp"

#include <iostream>

#include "apps/help_order.hpp"
#include "apps/json.hpp"
#include "apps/melder-admin/command_line.hpp"
#include "apps/melder-admin/key_file.hpp"
#include "apps/melder-admin/words.hpp"
#include "apps/refusal.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr const char* program = "melder-admin";
constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

struct Ending {
    const char *name, *what, *what_to_do;
};
constexpr Ending trust_list_ending{"trust_list_ends", "the trust list",
                                   "sign the next one with `trust sign` and enter it with `trust publish`"};
constexpr Ending tls_ending{"tls_ends", "the server's TLS certificate",
                            "`melder-server keys next` begins the change to the next key"};
constexpr Ending grants_ending{"grants_end", "the first hundredth of the devices' grants",
                               "`grant renew --ending-within 90d --valid 365d` renews them"};

/// On standard error, with --json as an object: data stays data.
void warn(const Ending& ending, UnixTime end, bool json) {
    const auto now = system_clock().wall();
    if (end - now > Millis(limits::ending_warning)) return;
    auto text = std::string(ending.what);
    if (end < now) {
        text += " ended on " + date_text(end);
    } else {
        text += " ends in " + std::to_string(days_until(end, now)) + " days";
    }
    text += std::string("; ") + ending.what_to_do;
    if (json) {
        std::cerr << apps::JsonLine()
                         .text("warning", ending.name)
                         .text("text", text)
                         .number("ends_s", static_cast<std::uint64_t>(end.seconds()))
                         .str()
                  << "\n";
    } else {
        std::cerr << "warning: " << text << "\n";
    }
}

/// What ends within 60 days, on every command that meets the server.
Result<void> warn_of_endings(AdminLink& link, bool json) {
    warn(trust_list_ending, link.trust().fields().not_after, json);
    if (const auto end = link.certificate_ends()) warn(tls_ending, *end, json);
    wire::Frame ask;
    ask.mutable_status();
    MELDER_TRY(const auto reply, link.ask(std::move(ask), wire::Frame::kStatusReply));
    if (const auto end = reply.status_reply().grants_end_s(); end != 0) {
        warn(grants_ending, UnixTime::from_seconds(static_cast<std::int64_t>(end)), json);
    }
    return ok();
}

/// The same for a command that met no server: the end of the newest list that this home knows. Whatever is wrong with
/// the home, the command itself says.
void warn_from_home(const Line& line) {
    const Home home(line.home);
    if (!std::filesystem::exists(home.file("root-set"))) return;
    const auto roots = home.load_root_set();
    if (roots.has_error()) return;
    const auto list = home.load_newest_signed(*roots);
    if (list.has_value() && *list != nullptr) warn(trust_list_ending, (*list)->fields().not_after, line.json);
}

void add_common(CLI::App& app, Line& line) {
    for (auto* const option :
         {app.add_option("--home", line.home,
                         "Directory of keys and root set [$MELDER_ADMIN_HOME, else ~/.melder-admin]"),
          app.add_option("--server", line.server, "HOST:PORT of the keyserver")->capture_default_str(),
          app.add_option("--key", line.key, "Your key file [HOME/admin.key]"),
          app.add_option("--passphrase-file", line.passphrase.file,
                         "Read the passphrase from the first line of a file"),
          app.add_option("--passphrase-fd", line.passphrase.descriptor, "Read the passphrase from this descriptor")})
        option->take_last();  // a script may set it, and a person after it
    app.add_flag("--json", line.json, "One JSON object a line; refusals and warnings on standard error too");
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
                            error == Errc::not_allowed || error == Errc::out_of_order || error == Errc::io_error ||
                            error == Errc::missing_right;
    return particular && !error.detail().empty() ? error.detail() : error.message();
}

}  // namespace

Result<Ed25519Seed> load_own_key(const Line& line, const Home& home) {
    const auto file = line.key.empty() ? home.file("admin.key") : std::filesystem::path(line.key);
    MELDER_TRY(const auto passphrase, read_passphrase(line.passphrase, "Passphrase of " + file.string(), false));
    return load_key(file, passphrase);
}

/// Who cannot be reached, and what to look at.
Error unreachable(const Line& line, const Error& error) {
    auto text = line.server + (error.detail().empty() ? "" : " (" + error.detail() + ")");
    if (error == Errc::network) text += "; see whether melder-server runs there, and --server";
    if (error == Errc::tls) text += "; --server names the port for phones, not the one for /health";
    if (error == Errc::unknown_signer)
        text += "; the trust list in force does not name your key: `trust show`, `trust sign --admin FILE.pub`";
    return {error.code(), text};
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
    if (link.has_error()) return unreachable(line, link.error());
    line.met_server = true;
    if ((*link)->trust_is_new()) MELDER_CHECK(home.save_trust_list((*link)->trust()));
    MELDER_CHECK(warn_of_endings(**link, line.json));
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
        "Exit codes: 0 done; 1 refused or failed, nothing was changed unless the sentence says so; 2 wrong usage.\n"
        "With --json each line of standard output is an object; a refusal is one on standard error:\n"
        "  {\"error\":\"not_found\",\"text\":\"...\",\"exit_code\":1}, a warning "
        "{\"warning\":\"trust_list_ends\",...}"};
    app.require_subcommand(1);
    app.set_version_flag("--version", "melder-admin 0.1.0");
    Line line;
    add_common(app, line);
    add_offline(app, line);
    add_force(app, line);
    add_checks(app, line);
    apps::put_examples_last(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return apps::refuse_usage(app, program, argc, argv, error);
    }
    const auto done = line.chosen();
    if (!line.met_server) warn_from_home(line);
    if (done.has_value()) return apps::end_of_output(program, line.json, 0);
    std::cout.flush();  // what was said before it
    const bool usage = done.error() == Errc::bad_argument;
    return apps::refuse(program, done.error().code(), sentence_of(done.error()), line.json,
                        usage ? exit_usage : exit_failure);
}

}  // namespace melder::admin
