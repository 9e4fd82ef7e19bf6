#include "apps/melder-admin/cli.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/melder-admin/batch_commands.hpp"
#include "apps/melder-admin/commands.hpp"
#include "apps/melder-admin/directory_import.hpp"
#include "apps/melder-admin/key_file.hpp"
#include "apps/melder-admin/offline_commands.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr int exit_failure = 1;
constexpr int exit_usage = 2;

/// The options every command shares, and what the chosen one does.
struct Line {
    std::string home;
    std::string server = "localhost:5222";
    std::string key;
    PassphraseSource passphrase;
    bool json = false;
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
    std::string second_key, second_passphrase_file;
};

Result<Ed25519Seed> load_own_key(const Line& line, const Home& home) {
    const auto file = line.key.empty() ? home.file("admin.key") : std::filesystem::path(line.key);
    MELDER_TRY(const auto passphrase, read_passphrase(line.passphrase, "Passphrase of " + file.string(), false));
    return load_key(file, passphrase);
}

void warn_if_ending(const TrustList& list) {
    const auto left = list.fields().not_after - system_clock().wall();
    if (left > Millis(limits::ending_warning)) return;
    std::cerr << "warning: the trust list ends in " << left / std::chrono::hours(24)
              << " days; sign the next one with `trust sign` and enter it with `trust put`\n";
}

Result<Session> open_session(const Line& line) {
    const Home home(line.home);
    MELDER_TRY(const auto address, parse_server(line.server));
    client::ServerTrust trust;
    MELDER_TRY(trust.roots, home.load_root_set());
    MELDER_TRY(trust.known, home.load_trust_list(trust.roots));
    MELDER_TRY(auto key, load_own_key(line, home));
    auto link = AdminLink::open(address, std::move(trust), key);
    if (link.has_error()) {
        const auto& error = link.error();
        return Error(error.code(), line.server + (error.detail().empty() ? "" : " (" + error.detail() + ")"));
    }
    if ((*link)->trust_is_new()) MELDER_CHECK(home.save_trust_list((*link)->trust()));
    warn_if_ending((*link)->trust());
    return Session{home, std::move(*link), std::move(key), line.json};
}

/// A command that needs the link: opened when it runs, not when the line is read.
template <class Command>
std::function<Result<void>()> online(Line& line, Command command) {
    return [&line, command]() -> Result<void> {
        MELDER_TRY(auto session, open_session(line));
        return command(session);
    };
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

CLI::Option* add_second_key(CLI::App* command, Line& line) {
    auto* const option = command->add_option("--second-key", line.second_key, "The second administrator's key file");
    command->add_option("--second-passphrase-file", line.second_passphrase_file, "Its passphrase");
    return option;
}

Result<std::optional<Ed25519Seed>> load_second_key(const Line& line) {
    std::optional<Ed25519Seed> none;
    if (line.second_key.empty()) return none;
    MELDER_TRY(const auto passphrase,
               read_passphrase({line.second_passphrase_file, {}}, "Passphrase of " + line.second_key, false));
    MELDER_TRY(auto seed, load_key(line.second_key, passphrase));
    return std::optional<Ed25519Seed>(std::move(seed));
}

Result<void> run_import(Line& line) {
    MELDER_TRY(const auto second, load_second_key(line));
    if (second) line.import.second_key = &*second;
    MELDER_TRY(auto session, open_session(line));
    auto done = import_directory(session, line.import, std::cout);
    line.import.second_key = nullptr;
    return done;
}

void add_common(CLI::App& app, Line& line) {
    app.add_option("--home", line.home, "Directory of keys and root set [$MELDER_ADMIN_HOME, else ~/.melder-admin]");
    app.add_option("--server", line.server, "HOST:PORT of the keyserver")->capture_default_str();
    app.add_option("--key", line.key, "Your key file [HOME/admin.key]");
    app.add_option("--passphrase-file", line.passphrase.file, "Read the passphrase from the first line of a file");
    app.add_option("--passphrase-fd", line.passphrase.descriptor, "Read the passphrase from this descriptor");
    app.add_flag("--json", line.json, "One JSON object a line, where a command prints data");
}

void add_offline(CLI::App& app, Line& line) {
    auto* const root = group(app, "root", "The root keys: offline, for the whole force, once.");
    auto* const init = leaf(root, "init",
                            "Makes the root set with a working and a reserve key.\n\n"
                            "  melder-admin root init --home /media/ceremony\n");
    init->add_option("--threshold", line.threshold, "How many of the two keys sign a trust list")
        ->capture_default_str()
        ->check(CLI::Range(1, 2));
    choose(init, line, [&line] { return root_init(Home(line.home), line.threshold, line.passphrase, std::cout); });

    auto* const key = group(app, "key", "Administrator keys.");
    auto* const create = leaf(key, "create",
                              "Makes an administrator key; FILE.pub goes to the ceremony.\n\n"
                              "  melder-admin key create ~/.melder-admin/admin.key --rights enrol,directory,revoke\n");
    create->add_option("file", line.new_key_file, "The new key file")->required();
    create->add_option("--rights", line.rights, "Out of enrol,directory,leaders,revoke,wipe,helpdesk")->required();
    choose(create, line, [&line] { return key_create(line.new_key_file, line.rights, line.passphrase, std::cout); });
}

void add_trust(CLI::App& app, Line& line) {
    auto* const trust = group(app, "trust", "Trust lists: whose word counts.");
    auto* const sign_command = leaf(
        trust, "sign",
        "Signs the next trust list: the previous one, and what is named here besides.\n\n"
        "  melder-admin trust sign /srv/melder/setup-request --admin admin.key.pub --out /srv/melder/trust-list\n");
    sign_command->add_option("requests", line.trust_sign.requests, "setup-request files of `melder-server init`");
    sign_command->add_option("--admin", line.trust_sign.admins, "Public half of an administrator key; may be repeated");
    sign_command->add_option("--root-key", line.trust_sign.root_keys,
                             "Root key file; may be repeated [HOME/root-working.key]");
    sign_command->add_option("--previous", line.trust_sign.previous, "The list to go on from [HOME/trust-list]");
    sign_command->add_option("--valid", line.trust_sign.valid, "How long the list is valid")->capture_default_str();
    sign_command->add_option("--out", line.trust_sign.out, "Where to write it [HOME/trust-list]");
    choose(sign_command, line,
           [&line] { return trust_sign(Home(line.home), line.trust_sign, line.passphrase, std::cout); });

    auto* const put =
        leaf(trust, "put", "Enters a signed list at the server.\n\n  melder-admin trust put trust-list\n");
    put->add_option("file", line.file, "The signed list")->required();
    choose(put, line, online(line, [&line](Session& s) { return put_trust_list(s, line.file, std::cout); }));
}

void add_directory(CLI::App& app, Line& line) {
    auto* const directory = group(app, "directory", "Units and officers.");
    auto* const import = leaf(
        directory, "import",
        "Reads units and officers from a CSV file (`;` or `,`, UTF-8) and prints what would change; --apply does it, "
        "all or nothing. Who is missing from the file is suspended for 7 days, then removed.\n\n"
        "  unit,LKA,Landeskriminalamt\n"
        "  officer,10001,Anna Berger,LKA,member+leader\n\n"
        "  melder-admin directory import force.csv\n"
        "  melder-admin directory import force.csv --apply\n");
    import->add_flag("--apply", line.import.apply, "Change the directory");
    auto* const put = leaf(directory, "put",
                           "The same as `directory import FILE --apply`.\n\n"
                           "  melder-admin directory put deploy/demo/force.csv\n");
    for (auto* const command : {import, put}) {
        command->add_option("file", line.import.file, "unit,PATH,NAME and officer,SERVICE NUMBER,NAME,UNIT,ROLES lines")
            ->required();
        command->add_option("--allow-removals", line.import.allow_removals,
                            "So many officers and units may vanish; needed above 2 % or for a whole unit");
        command->add_option("--reason", line.import.reason, "Of the suspensions; stays in your journal")
            ->capture_default_str();
        add_second_key(command, line);
    }
    choose(import, line, [&line] { return run_import(line); });
    choose(put, line, [&line] {
        line.import.apply = true;
        return run_import(line);
    });

    auto* const code = group(app, "code", "One-time codes for new devices.");
    auto* const issue =
        leaf(code, "issue",
             "Signs a grant, uploads it, and prints the code. The code itself never leaves this machine.\n\n"
             "  melder-admin code issue --officer 10001 --valid 24h\n");
    issue->add_option("--officer", line.code.officer, "Service number")->required();
    issue->add_option("--valid", line.code.code_valid, "How long the code works, at most 30d")->capture_default_str();
    issue->add_option("--grant-valid", line.code.grant_valid, "How long the device is valid, at most 400d")
        ->capture_default_str();
    issue->add_option("--replaces", line.code.replaces, "A device that the new one replaces; may be repeated");
    issue->add_option("--role", line.code.role, "member or leader [as the directory says]");
    choose(issue, line, online(line, [&line](Session& s) { return issue_code(s, line.code, std::cout); }));
}

using BatchCommand = Result<void> (*)(Session&, const BatchOptions&, std::ostream&);

Result<void> run_batch(Line& line, BatchCommand command) {
    MELDER_TRY(const auto second, load_second_key(line));
    if (second) line.batch.second_key = &*second;
    MELDER_TRY(auto session, open_session(line));
    auto done = command(session, line.batch, std::cout);
    line.batch.second_key = nullptr;
    return done;
}

void add_batches(CLI::App& app, Line& line) {
    auto* const codes = group(app, "codes", "One-time codes for a roll-out.");
    auto* const issue = leaf(
        codes, "issue",
        "Issues a code for each service number of a file. NAME.mdm.csv is what a device management imports; NAME.parts "
        "holds the second parts, a sheet for each officer: without it no code works, so it goes another way.\n\n"
        "  melder-admin codes issue --batch numbers.csv --valid 21d --out rollout-1\n"
        "  melder-admin codes issue --batch numbers.csv --out rollout-1 --second-key other.key\n");
    issue->add_option("--batch", line.batch.file, "Service numbers, one a line")->required();
    auto* const status = leaf(codes, "status",
                              "Who of a batch is enrolled, waiting, or failed and why.\n\n"
                              "  melder-admin codes status rollout-1.batch\n");
    status->add_option("batch", line.batch.file, "NAME.batch")->required();
    choose(status, line, [&line] { return run_batch(line, show_batch); });
    auto* const reissue = leaf(codes, "reissue",
                               "New codes for whoever of a batch has none that works: expired, revoked, never taken by "
                               "the server.\n\n"
                               "  melder-admin codes reissue rollout-1.batch --out rollout-2\n");
    reissue->add_option("batch", line.batch.file, "NAME.batch")->required();
    for (auto* const command : {issue, reissue}) {
        command->add_option("--out", line.batch.out, "NAME of the files to write")->required();
        command->add_option("--valid", line.batch.code_valid, "How long the codes work, at most 30d")
            ->capture_default_str();
        command->add_option("--grant-valid", line.batch.grant_valid, "How long the devices are valid, at most 400d")
            ->capture_default_str();
        command->add_flag("--without-second-part", line.batch.without_second_part,
                          "Whoever reads the device management's file can then enrol as those officers");
        add_second_key(command, line);
    }
    choose(issue, line, [&line] { return run_batch(line, issue_batch); });
    choose(reissue, line, [&line] { return run_batch(line, reissue_batch); });
}

void add_orders(CLI::App& app, Line& line) {
    auto* const device = group(app, "device", "Devices.");
    auto* const list =
        leaf(device, "list", "Lists devices with their state.\n\n  melder-admin device list --officer 10001\n");
    list->add_option("--officer", line.officer, "Only this service number's");
    choose(list, line, online(line, [&line](Session& s) { return list_devices(s, line.officer, std::cout); }));

    auto* const show = leaf(device, "show",
                            "Shows one device: connected or not, prekeys left, what waits and what was moved aside.\n\n"
                            "  melder-admin device show 4f0c…\n");
    show->add_option("device", line.order.target, "The device's id")->required();
    choose(show, line, online(line, [&line](Session& s) { return show_device(s, line.order.target, std::cout); }));

    auto* const revoke = leaf(&app, "revoke",
                              "Revokes a device for good; its connection closes within two seconds.\n\n"
                              "  melder-admin revoke 4f0c… --reason \"lost on patrol\"\n");
    revoke->add_option("device", line.order.target, "The device's id")->required();
    revoke->add_option("--reason", line.order.reason, "One line; stays in your journal")->required();
    choose(revoke, line,
           online(line, [&line](Session& s) { return issue_order(s, OrderKind::revoke, line.order, std::cout); }));

    auto* const suspend = leaf(&app, "suspend",
                               "Suspends a device until two administrators restore it; nothing is deleted.\n\n"
                               "  melder-admin suspend 4f0c… --reason \"on leave\"\n");
    suspend->add_option("device", line.order.target, "The device's id")->required();
    suspend->add_option("--reason", line.order.reason, "One line; stays in your journal")->required();
    choose(suspend, line,
           online(line, [&line](Session& s) { return issue_order(s, OrderKind::suspend, line.order, std::cout); }));

    auto* const restore =
        leaf(&app, "restore",
             "Takes a revocation back. Two administrators sign: with both keys here, or by a file.\n\n"
             "  melder-admin restore 4f0c… --reason found --second-key other.key\n"
             "  melder-admin restore 4f0c… --reason found --pass-on restore.order\n");
    restore->add_option("device", line.order.target, "The device's id")->required();
    restore->add_option("--reason", line.order.reason, "One line; stays in your journal")->required();
    auto* const second = add_second_key(restore, line);
    restore->add_option("--pass-on", line.order.pass_on, "Write the order here for the second administrator")
        ->excludes(second);
    choose(restore, line, [&line]() -> Result<void> {
        if (line.second_key.empty() && line.order.pass_on.empty()) {
            return Error(Errc::bad_argument, "restore needs two signatures: --second-key FILE or --pass-on FILE");
        }
        MELDER_TRY(const auto second_seed, load_second_key(line));
        if (second_seed) line.order.second_key = &*second_seed;
        MELDER_TRY(auto session, open_session(line));
        auto done = issue_order(session, OrderKind::restore, line.order, std::cout);
        line.order.second_key = nullptr;
        return done;
    });

    auto* const order = group(app, "order", "Orders that need a second signature.");
    auto* const complete = leaf(order, "complete",
                                "Signs an order that another administrator passed on, and sends it.\n\n"
                                "  melder-admin order complete restore.order\n");
    complete->add_option("file", line.file, "The order")->required();
    choose(complete, line, online(line, [&line](Session& s) { return complete_order(s, line.file, std::cout); }));
}

void add_checks(CLI::App& app, Line& line) {
    auto* const log = group(app, "log", "The order log.");
    auto* const verify_command =
        leaf(log, "verify",
             "Reads the whole log, checks every signature and the chain, and compares with what "
             "was verified before.\n\n  melder-admin log verify\n");
    choose(verify_command, line, online(line, [](Session& s) { return verify_log(s, std::cout); }));
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
    add_trust(app, line);
    add_directory(app, line);
    add_batches(app, line);
    add_orders(app, line);
    add_checks(app, line);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exit_usage;
    }
    const auto done = line.chosen();
    if (done.has_value()) return 0;
    std::cerr << "melder-admin: " << sentence_of(done.error()) << "\n";
    return done.error() == Errc::bad_argument ? exit_usage : exit_failure;
}

}  // namespace melder::admin
