// What is asked of a running server about people and devices.

#include <iostream>

#include "apps/melder-admin/command_line.hpp"
#include "apps/melder-admin/requests.hpp"

namespace melder::admin {
namespace {

/// Connected, with the second administrator's key in `options` meanwhile, if one was named.
template <class Options, class Command>
Result<void> with_second_key(Line& line, Options& options, Command command) {
    MELDER_TRY(const auto second, load_second_key(line));
    MELDER_TRY(auto session, open_session(line));
    options.second_key = second ? &*second : nullptr;
    auto done = command(session);
    options.second_key = nullptr;
    return done;
}

Result<void> run_import(Line& line) {
    return with_second_key(line, line.import, [&](Session& session) -> Result<void> {
        if (line.import.apply) MELDER_CHECK(need_right(session, Right::directory));
        return import_directory(session, line.import, std::cout);
    });
}

void add_directory(CLI::App& app, Line& line) {
    auto* const directory = group(app, "directory", "Units and officers.");
    auto* const import = leaf(
        directory, "import",
        "Reads units and officers from a CSV file (`;` or `,`, UTF-8) and prints what would change; --apply does it, "
        "all or nothing: units, officers, new grants of changed officers and suspensions take effect together. Who is "
        "missing from the file is suspended for 7 days, then removed.\n\n"
        "With --sign-request nothing at all is applied: FILE carries the whole import, and `submit` applies it at once "
        "when a second administrator has signed (`sign`), unless the directory was changed since. If no device is "
        "concerned there is nothing to sign, and the import is applied right away.\n\n"
        "  unit,LKA,Landeskriminalamt\n"
        "  officer,10001,Anna Berger,LKA,member+leader\n\n"
        "  melder-admin directory import force.csv\n"
        "  melder-admin directory import force.csv --apply\n"
        "  melder-admin directory import force.csv --apply --sign-request move.request\n");
    import->add_flag("--apply", line.import.apply, "Change the directory");
    auto* const put = leaf(directory, "put",
                           "The same as `directory import FILE --apply`.\n\n"
                           "  melder-admin directory put deploy/demo/force.csv\n");
    for (auto* const command : {import, put}) {
        command->add_option("file", line.import.file, "unit,PATH,NAME and officer,SERVICE NUMBER,NAME,UNIT,ROLES lines")
            ->required();
        command->add_option("--allow-removals", line.import.allow_removals,
                            "So many officers and units may vanish; needed above 2 % or for a whole unit");
        command->add_option("--reason", line.import.reason,
                            "Of suspensions and of grants that take something away; stays in your journal");
        add_second_signature(command, line, line.import.sign_request);
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
             "  melder-admin code issue --officer 10001 --valid 24h --qr\n"
             "  melder-admin code issue --officer 10001 --replaces 4f0c… --reason \"new phone\"\n");
    issue->add_option("--officer", line.code.officer, "Service number")->required();
    issue->add_option("--valid", line.code.code_valid, "How long the code works, at most 30d")->capture_default_str();
    issue->add_option("--grant-valid", line.code.grant_valid, "How long the device is valid, at most 400d")
        ->capture_default_str();
    issue->add_option("--replaces", line.code.replaces, "A device that the new one replaces; may be repeated")
        ->allow_extra_args(false);
    issue->add_option("--role", line.code.role, "member or leader [as the directory says]");
    issue->add_flag("--qr", line.code.qr, "Draw the code in the terminal");
    issue->add_option("--qr-file", line.code.qr_file, "Write the code as a QR code into this PNG file");
    issue->add_option("--reason", line.code.reason, "Of a replacement; one line, stays in your journal");
    add_second_signature(issue, line, line.code.sign_request);
    choose(issue, line, [&line] {
        return with_second_key(line, line.code,
                               [&](Session& session) { return issue_code(session, line.code, std::cout); });
    });
}

Result<void> run_order(Line& line, OrderKind kind) {
    return with_second_key(line, line.order,
                           [&](Session& session) { return issue_order(session, kind, line.order, std::cout); });
}

using BatchCommand = Result<void> (*)(Session&, const BatchOptions&, std::ostream&);

Result<void> run_batch(Line& line, BatchCommand command) {
    return with_second_key(line, line.batch, [&](Session& session) { return command(session, line.batch, std::cout); });
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
    auto* const reissue =
        leaf(codes, "reissue",
             "New codes for whoever of a batch has none that works: expired, revoked, never taken by "
             "the server.\n\n"
             "  melder-admin codes reissue rollout-1.batch --out rollout-2\n"
             "  melder-admin codes reissue rollout-1.batch --waiting --out rollout-2      second parts "
             "were lost\n");
    reissue->add_option("batch", line.batch.file, "NAME.batch")->required();
    reissue->add_flag("--waiting", line.batch.waiting_too,
                      "Also for those whose code was not used yet; it goes on working until it ends");
    for (auto* const command : {issue, reissue}) {
        command->add_option("--out", line.batch.out, "NAME of the files to write")->required();
        command->add_option("--valid", line.batch.code_valid, "How long the codes work, at most 30d")
            ->capture_default_str();
        command->add_option("--grant-valid", line.batch.grant_valid, "How long the devices are valid, at most 400d")
            ->capture_default_str();
        command->add_flag("--without-second-part", line.batch.without_second_part,
                          "Whoever reads the device management's file can then enrol as those officers");
        command->add_flag("--qr", line.batch.qr, "Write NAME.qr/: the codes as PNG files, one for each officer");
        add_second_signature(command, line, line.batch.sign_request);
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
                            "Shows one device: last day seen, version, prekeys left, what waits in each lane since "
                            "when, what it refused. No peers, no content.\n\n"
                            "  melder-admin device show 4f0c…\n");
    show->add_option("device", line.order.target, "The device's id")->required();
    choose(show, line, online(line, [&line](Session& s) { return show_device(s, line.order.target, std::cout); }));

    auto* const explain = leaf(device, "explain",
                               "Says what the eight characters mean that a device shows for the help desk. Asks no "
                               "server.\n\n"
                               "  melder-admin device explain RX3M-88GT\n");
    explain->add_option("code", line.order.target, "The characters as they were read out")->required();
    choose(explain, line, [&line] { return explain_code(line.order.target, line.json, std::cout); });

    auto* const aside =
        leaf(device, "aside",
             "Lists what a device refused three times, by id and reason, or delivers it again. Takes the "
             "right `helpdesk`.\n\n"
             "  melder-admin device aside 4f0c…\n"
             "  melder-admin device aside 4f0c… --release\n");
    aside->add_option("device", line.aside.device, "The device's id")->required();
    aside->add_flag("--release", line.aside.release, "Deliver them again");
    aside->add_option("--entry", line.aside.envelopes, "Only this entry; may be repeated")->allow_extra_args(false);
    choose(aside, line, online(line, [&line](Session& s) { return show_aside(s, line.aside, std::cout); }));

    auto* const revoke = leaf(&app, "revoke",
                              "Revokes a device for good; its connection closes within two seconds.\n\n"
                              "  melder-admin revoke 4f0c… --reason \"lost on patrol\"\n");
    revoke->add_option("device", line.order.target, "The device's id")->required();
    revoke->add_option("--reason", line.order.reason, "One line; stays in your journal")->required();
    choose(revoke, line, [&line] { return run_order(line, OrderKind::revoke); });

    auto* const suspend = leaf(&app, "suspend",
                               "Suspends a device until two administrators restore it; nothing is deleted.\n\n"
                               "  melder-admin suspend 4f0c… --reason \"on leave\"\n");
    suspend->add_option("device", line.order.target, "The device's id")->required();
    suspend->add_option("--reason", line.order.reason, "One line; stays in your journal")->required();
    choose(suspend, line, [&line] { return run_order(line, OrderKind::suspend); });

    auto* const restore =
        leaf(&app, "restore",
             "Takes a revocation back. Two administrators sign: with both keys here, or by a file.\n\n"
             "  melder-admin restore 4f0c… --reason found --second-key other.key\n"
             "  melder-admin restore 4f0c… --reason found --sign-request restore.request\n");
    restore->add_option("device", line.order.target, "The device's id")->required();
    restore->add_option("--reason", line.order.reason, "One line; stays in your journal")->required();
    for (auto* const command : {revoke, suspend, restore})
        add_second_signature(command, line, line.order.sign_request);
    choose(restore, line, [&line]() -> Result<void> {
        if (line.second_key.empty() && line.order.sign_request.empty()) {
            return Error(Errc::bad_argument, "restore needs two signatures: --second-key FILE or --sign-request FILE");
        }
        return run_order(line, OrderKind::restore);
    });
}

Result<void> run_grants(Line& line, Result<void> (*command)(Session&, const GrantOptions&, std::ostream&)) {
    return with_second_key(line, line.grant, [&](Session& session) { return command(session, line.grant, std::cout); });
}

void add_grants(CLI::App& app, Line& line) {
    auto& options = line.grant;
    auto* const grant = group(app, "grant", "What a device's certificate says: name, unit, roles, end.");
    auto* const show = leaf(grant, "show",
                            "Prints the newest version of a device's grant, verified.\n\n  melder-admin grant show "
                            "4f0c…\n");
    show->add_option("device", line.file, "The device's id")->required();
    choose(show, line, online(line, [&line](Session& s) { return show_grant(s, line.file, std::cout); }));

    auto* const renew = leaf(grant, "renew",
                             "Gives grants a later end; phones fetch the new version by themselves.\n\n"
                             "  melder-admin grant renew 4f0c… 9b21…\n"
                             "  melder-admin grant renew --officer 10001 --valid 180d\n"
                             "  melder-admin grant renew --ending-within 90d --second-key other.key\n");
    renew->add_option("devices", options.devices, "Ids of devices");
    renew->add_option("--officer", options.officer, "Instead: every device in service of this service number");
    renew->add_option("--ending-within", options.ending, "Instead: every device whose grant ends within this time");
    auto* const valid = renew->add_option("--valid", options.valid, "From now on, at most 400d [365d]");

    auto* const set =
        leaf(grant, "set",
             "Changes what one device's grant says. What takes something away (a unit, a role, time) is an "
             "order in the log and needs --reason. `directory import` does this for everybody whom the file "
             "changes.\n\n"
             "  melder-admin grant set 4f0c… --name \"Anna Berger-Schulz\"\n"
             "  melder-admin grant set 4f0c… --unit LKA/K5 --roles member --reason transferred\n");
    set->add_option("device", options.devices, "The device's id")->required()->expected(1);
    set->add_option("--name", options.name, "Display name");
    set->add_option("--number", options.number, "Service number");
    set->add_option("--unit", options.unit, "The unit's path, such as LKA/K5");
    set->add_option("--roles", options.role, "member or member+leader");
    set->add_option("--valid", options.valid, "From now on, at most 400d");
    for (auto* const command : {renew, set}) {
        command->add_option("--reason", options.reason, "One line; stays in your journal");
        add_second_signature(command, line, options.sign_request);
    }
    choose(renew, line, [&line, valid] {
        if (valid->count() == 0) line.grant.valid = "365d";
        return run_grants(line, renew_grants);
    });
    choose(set, line, [&line] { return run_grants(line, set_grant); });
}

}  // namespace

void add_force(CLI::App& app, Line& line) {
    add_directory(app, line);
    add_batches(app, line);
    add_orders(app, line);
    add_grants(app, line);
}

}  // namespace melder::admin
