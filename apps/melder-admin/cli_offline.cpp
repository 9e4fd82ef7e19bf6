// What needs no server: root keys, administrator keys, trust lists.

#include <iostream>

#include "apps/melder-admin/command_line.hpp"
#include "apps/melder-admin/offline_commands.hpp"

namespace melder::admin {
namespace {

void add_root(CLI::App& app, Line& line) {
    auto* const root = group(app, "root", "The root keys: offline, for the whole force, once.");
    auto* const init = leaf(root, "init",
                            "Makes the root set with a working and a reserve key.\n\n"
                            "  melder-admin root init --home /media/ceremony\n");
    init->add_option("--threshold", line.threshold, "How many of the two keys sign a trust list")
        ->capture_default_str()
        ->check(CLI::Range(1, 2));
    choose(init, line,
           [&line] { return root_init(Home(line.home), line.threshold, line.passphrase, line.json, std::cout); });

    auto* const show = leaf(root, "show", "Prints the root set that this home pins.\n\n  melder-admin root show\n");
    choose(show, line, [&line] { return root_show(Home(line.home), line.json, std::cout); });

    auto& share_options = line.share;
    auto* const share =
        leaf(root, "share",
             "Prints a root key as shares on paper, a page each: any 3 of 5 give it back, fewer say nothing "
             "about it.\n\n"
             "  melder-admin root share | lp\n"
             "  melder-admin root share --key root-working.key --shares 7 --threshold 4 --out working\n");
    share->add_option("--key", share_options.key, "The root key file [HOME/root-reserve.key]");
    share->add_option("--shares", share_options.count, "How many shares")->capture_default_str();
    share->add_option("--threshold", share_options.threshold, "How many give the key back")->capture_default_str();
    share->add_option("--out", share_options.out, "Write NAME-1.share, … instead of printing");
    choose(share, line, [&line] {
        line.share.json = line.json;
        return root_share(Home(line.home), line.share, line.passphrase, std::cout);
    });

    auto* const recover =
        leaf(root, "recover",
             "Puts a root key together again from shares, typed in or out of files; a mistyped line is "
             "found where it stands.\n\n"
             "  melder-admin root recover --out /media/ceremony/root-reserve.key\n"
             "  melder-admin root recover a.share b.share c.share --out root-reserve.key\n");
    recover->add_option("shares", line.recover.files, "Files with shares [typed in]");
    recover->add_option("--out", line.recover.out, "The key file to write")->required();
    choose(recover, line, [&line] {
        line.recover.json = line.json;
        return root_recover(Home(line.home), line.recover, line.passphrase, std::cout);
    });

    auto& succeed_options = line.succeed;
    auto* const succeed =
        leaf(root, "succeed",
             "Makes the next root set, signed by the present one: when a root key was lost, seen by others "
             "or passes on.\n\n"
             "  melder-admin root succeed --new-home /media/next\n"
             "  melder-admin root succeed --new-home /media/next --keep ~/.melder-admin/root-working.key\n");
    succeed->add_option("--new-home", succeed_options.new_home, "Where the next set and its new keys are written")
        ->required();
    succeed->add_option("--keep", succeed_options.kept, "Key file of the present set that stays; may be repeated")
        ->allow_extra_args(false);
    succeed
        ->add_option("--root-key", succeed_options.root_keys,
                     "Key file of the present set that signs; may be repeated [HOME/root-working.key]")
        ->allow_extra_args(false);
    succeed->add_option("--threshold", succeed_options.threshold, "How many of the two keys sign from then on")
        ->capture_default_str();
    succeed->add_flag("--yes", succeed_options.yes, "Do not ask; for scripts");
    choose(succeed, line, [&line] {
        line.succeed.json = line.json;
        return root_succeed(Home(line.home), line.succeed, line.passphrase, std::cout);
    });

    auto* const accept =
        leaf(root, "accept",
             "Verifies the next root set under the present one and takes its place; the former one is kept "
             "as root-set-N.\n\n"
             "  melder-admin root accept root-succession\n");
    accept->add_option("file", line.file, "root-succession")->required();
    accept->add_flag("--yes", succeed_options.yes, "Do not ask; for scripts");
    choose(accept, line,
           [&line] { return root_accept(Home(line.home), line.file, line.succeed.yes, line.json, std::cout); });
}

void add_admin_keys(CLI::App& app, Line& line) {
    auto* const key = group(app, "key", "Administrator keys.");
    auto* const create = leaf(key, "create",
                              "Makes an administrator key; FILE.pub goes to the ceremony.\n\n"
                              "  melder-admin key create ~/.melder-admin/admin.key --rights enrol,directory,revoke\n");
    create->add_option("file", line.new_key_file, "The new key file")->required();
    create->add_option("--rights", line.rights, "Out of enrol,directory,leaders,revoke,wipe,helpdesk")->required();
    choose(create, line,
           [&line] { return key_create(line.new_key_file, line.rights, line.passphrase, line.json, std::cout); });
}

/// What changes against the list before: the same for `trust plan` and `trust sign`.
void add_changes(CLI::App* command, Line& line) {
    auto& options = line.trust_sign;
    command->add_option("requests", options.requests,
                        "setup-request files of `melder-server init` or `melder-server keys next`");
    command
        ->add_option("--admin", options.admins,
                     "Public half of an administrator key, new or with other rights; may be repeated")
        ->allow_extra_args(false);
    command
        ->add_option("--retire", options.retired,
                     "KEY@LOGSIZE: what the key signs from that log entry on does not count; may be repeated")
        ->allow_extra_args(false);
    command
        ->add_option("--distrust", options.distrusted,
                     "KEY: nothing it ever signed counts, devices it enrolled included; may be repeated")
        ->allow_extra_args(false);
    command
        ->add_option("--drop-pin", options.dropped_pins, "PIN of a server key that is no longer shown; may be repeated")
        ->allow_extra_args(false);
    command->add_option("--previous", options.previous, "The list to go on from [the newest in HOME]");
    command->add_option("--valid", options.valid, "How long the list is valid, from now")->capture_default_str();
}

void add_trust(CLI::App& app, Line& line) {
    auto* const trust = group(app, "trust", "Trust lists: whose word counts.");
    auto* const plan = leaf(trust, "plan",
                            "Prints what the next list would change; signs nothing and needs no key.\n\n"
                            "  melder-admin trust plan --retire 4f0c12ab@1200\n");
    add_changes(plan, line);
    choose(plan, line, [&line] {
        line.trust_sign.json = line.json;
        return trust_plan(Home(line.home), line.trust_sign, std::cout);
    });

    auto* const sign_command =
        leaf(trust, "sign",
             "Prints what the next list changes against the one before, asks, and signs it with the root keys.\n\n"
             "  melder-admin trust sign /srv/melder/setup-request --admin admin.key.pub --out /srv/melder/trust-list\n"
             "  melder-admin trust sign --retire 4f0c12ab@1200 --admin successor.key.pub\n"
             "  melder-admin trust sign setup-request --drop-pin 9b21e0aa      a server has changed its TLS key\n"
             "  melder-admin trust sign --valid 365d                           nothing but a later end\n");
    add_changes(sign_command, line);
    sign_command
        ->add_option("--root-key", line.trust_sign.root_keys, "Root key file; may be repeated [HOME/root-working.key]")
        ->allow_extra_args(false);
    sign_command->add_option("--out", line.trust_sign.out,
                             "Where to write it [HOME/trust-list-signed; the first list: HOME/trust-list]");
    sign_command->add_flag("--yes", line.trust_sign.yes, "Do not ask; for scripts");
    choose(sign_command, line, [&line] {
        line.trust_sign.json = line.json;
        return trust_sign(Home(line.home), line.trust_sign, line.passphrase, std::cout);
    });

    auto* const show = leaf(trust, "show",
                            "Prints a list: keys with their rights and state, pins, end.\n\n"
                            "  melder-admin trust show\n  melder-admin trust show /media/ceremony/trust-list --json\n");
    show->add_option("file", line.file, "The signed list [HOME/trust-list]");
    choose(show, line, [&line] { return trust_show(Home(line.home), line.file, line.json, std::cout); });

    auto* const publish =
        leaf(trust, "publish",
             "Enters a signed list at the running server, which hands it to every device. Prints what "
             "changes; refuses a list that would lock everybody out.\n\n"
             "  melder-admin trust publish\n"
             "  melder-admin trust publish /media/A/trust-list-signed --reason \"Cora joins\"\n");
    publish->alias("put");
    publish->add_option("file", line.file, "The signed list [HOME/trust-list-signed]");
    publish->add_option("--reason", line.order.reason, "One line; stays in your journal, `log show` prints it");
    choose(publish, line,
           online(line, [&line](Session& s) { return trust_publish(s, line.file, line.order.reason, std::cout); }));
}

void add_signing(CLI::App& app, Line& line) {
    auto* const sign_command =
        leaf(&app, "sign",
             "Signs what another administrator passed on with --sign-request: says in words what "
             "it is, asks, adds your signature. Needs no network.\n\n"
             "  melder-admin sign restore.request --key ~/my.key\n");
    sign_command->add_option("file", line.sign.file, "The file of --sign-request")->required();
    sign_command->add_option("--out", line.sign.out, "Write the signed file here [FILE itself]");
    sign_command->add_flag("--all", line.sign.all, "Print every document, not only the first 20");
    sign_command->add_flag("--yes", line.sign.yes, "Do not ask; for scripts");
    choose(sign_command, line, [&line]() -> Result<void> {
        line.sign.json = line.json;
        MELDER_TRY(const auto key, load_own_key(line, Home(line.home)));
        return sign_file(line.sign, key, std::cout);
    });
    auto* const submit = leaf(&app, "submit",
                              "Hands a file that two administrators signed to the server: everything in it is in force "
                              "then, a directory import included, or nothing is. May be repeated.\n\n"
                              "  melder-admin submit restore.request\n");
    submit->add_option("file", line.file, "The signed file")->required();
    choose(submit, line, online(line, [&line](Session& s) { return submit_file(s, line.file, std::cout); }));
}

}  // namespace

void add_offline(CLI::App& app, Line& line) {
    add_root(app, line);
    add_admin_keys(app, line);
    add_trust(app, line);
    add_signing(app, line);
}

}  // namespace melder::admin
