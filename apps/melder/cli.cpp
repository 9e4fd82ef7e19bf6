#include "apps/melder/cli.hpp"

#include <cstdlib>
#include <iostream>
#include <tuple>

#include <CLI/CLI.hpp>

#include "apps/melder/cli_help.hpp"
#include "apps/melder/printing.hpp"
#include "apps/misspelt.hpp"
#include "core/limits.hpp"

namespace melder::apps {
namespace {

constexpr auto longest_life = std::chrono::duration_cast<std::chrono::seconds>(limits::ttl_longest);

void whom(CLI::App* command, const char* option, CommandLine& line) {
    command->add_option(option, line.peer, "Service number, or officer id (32 hex digits)")->required();
}

}  // namespace

bool parse(int argc, char** argv, CommandLine& line, int& exit_code) {
    CLI::App app("melder: the terminal messenger of Melder.");
    app.footer(help::melder);
    app.set_version_flag("--version", "melder " MELDER_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    const char* home = std::getenv("HOME");
    line.home = std::string(home != nullptr ? home : ".") + "/.melder";
    app.add_option("--vault", line.home, "This device's directory; made by enrol")->envname("MELDER_HOME");
    app.add_option("--server", line.server, "HOST:PORT; remembered by enrol");
    app.add_option("--root", line.root_file, "File with the pinned root set; remembered by enrol");
    long timeout = 0, lives_for = 0;
    bool once = false;  // only so that it can be said
    const auto seconds = [&](CLI::App* command, const char* meaning) {
        command->add_option("--timeout", timeout, meaning)->check(CLI::Range(1, 86400));
    };
    const auto json = [&](CLI::App* command) { command->add_flag("--json", line.json, "One JSON object a line"); };

    auto* enrol = app.add_subcommand("enrol", "Make this directory a device, with a one-time code");
    auto* code = enrol->add_option("CODE", line.code, "MLD1-...; without it, it is read from standard input");
    enrol->add_option("--code-file", line.code_file, "Read the code from a file")->excludes(code);
    enrol->add_option("--second-part", line.second_part, "For codes that travelled through a device management");
    auto* status = app.add_subcommand("status", "Who this device is and what it knows; asks no server");
    auto* find = app.add_subcommand("find", "The devices of an officer, verified");
    whom(find, "NUMBER", line);
    std::vector<std::string> words;
    auto* search = app.add_subcommand("search", "Officers by the beginning of a name, a service number or a unit");
    search
        ->add_option("WORDS", words, "Each must begin a word of the officer's; case, accents and umlauts don't matter")
        ->required();
    search->add_option("--limit", line.most, "The most officers to print")
        ->check(CLI::Range(1, 500))
        ->capture_default_str();
    auto* send = app.add_subcommand("send", "Encrypt and send a text; ends when the server answers for it");
    whom(send, "--to", line);
    send->add_option("TEXT", line.text, "The text; - or nothing: standard input");
    send->add_flag("--urgent", line.urgent, "Delivered before everything else");
    send->add_flag("--delivered", line.until_delivered, "Wait until a device of the recipient has decrypted it");
    send->add_option("--lives-for", lives_for, "Seconds until it expires, wherever it is by then (14 days)")
        ->check(CLI::Range(1L, static_cast<long>(longest_life.count())));
    seconds(send, "Seconds to wait for the confirmation (30)");
    auto* receive = app.add_subcommand("receive", "Print the next message (or all that come) and acknowledge it");
    auto* follow = receive->add_flag("--follow", line.follow, "Go on until Ctrl-C or a silence of --timeout");
    receive->add_flag("--once", once, "End after one message (the default)")->excludes(follow);
    receive->add_flag("!--no-ack", line.acknowledge, "Print only; the message comes again");
    seconds(receive, "Seconds of silence after which to give up (once: 30, follow: never)");
    auto* safety = app.add_subcommand("safety-number", "What you and another officer compare aloud or by camera");
    whom(safety, "--with", line);
    auto* qr = safety->add_flag("--qr", line.qr, "As a QR code for the terminal as well");
    auto* chat = app.add_subcommand("chat", "A conversation; /help inside explains, Ctrl-D ends");
    chat->add_option("--with", line.peer, "Service number or officer id to begin with");
    auto* jsonrpc = app.add_subcommand("jsonrpc", "JSON-RPC 2.0 on standard input and output, an object a line");
    for (auto* each : {enrol, status, find, search, send, receive, safety})
        json(each);
    qr->excludes(safety->get_option("--json"));
    const std::tuple<CLI::App*, Verb, const char*> commands[] = {{enrol, Verb::enrol, help::enrol},
                                                                 {status, Verb::status, help::status},
                                                                 {find, Verb::find, help::find},
                                                                 {search, Verb::search, help::search},
                                                                 {send, Verb::send, help::send},
                                                                 {receive, Verb::receive, help::receive},
                                                                 {safety, Verb::safety_number, help::safety_number},
                                                                 {chat, Verb::chat, help::chat},
                                                                 {jsonrpc, Verb::jsonrpc, help::jsonrpc}};
    for (const auto& [command, verb, text] : commands)
        command->footer(text);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        exit_code = wrong_usage;
        const auto misspelt = error.get_exit_code() == 0 ? "" : misspelt_command(app, "melder", argc, argv);
        if (!misspelt.empty()) {
            std::cerr << misspelt << "\n";
        } else if (app.exit(error) == 0) {
            exit_code = done;
        }
        return false;
    }
    for (const auto& word : words)
        line.searched += (line.searched.empty() ? "" : " ") + word;
    line.timeout = std::chrono::seconds(timeout);
    line.lives_for = std::chrono::seconds(lives_for);
    for (const auto& [command, verb, text] : commands)
        if (command->parsed()) line.verb = verb;
    return true;
}

}  // namespace melder::apps
