#include "apps/melder/cli.hpp"

#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>

#include "apps/melder/printing.hpp"
#include "apps/misspelt.hpp"

namespace melder::apps {
namespace {

constexpr auto examples = R"(Examples:
  melder enrol --server melder.example:4433 --root root-set MLD1-XXXXX-...
  melder find 4711
  melder search mueller k5                 # by name, number or unit; ae = ä
  melder send --to 4711 "Lage ruhig."
  git log -1 | melder send --to 4711 -
  melder receive --follow
  melder chat --with 4711
  melder jsonrpc < requests.jsonl          # for bots: docs/JSONRPC.md
  melder --vault ~/second-device status

After enrol the server and the root set are remembered beside the vault. The root set comes from your
administrator (`melder-admin root init` writes it); never take it from a server.

Exit codes: 0 done; 1 refused or failed, a sentence says why; 2 wrong usage;
            3 the time was over: nothing received, or not confirmed yet (it stays in the vault's outbox).)";

void whom(CLI::App* command, const char* option, CommandLine& line) {
    command->add_option(option, line.peer, "Service number, or officer id (32 hex digits)")->required();
}

}  // namespace

bool parse(int argc, char** argv, CommandLine& line, int& exit_code) {
    CLI::App app("melder: the terminal messenger of Melder.");
    app.footer(examples);
    app.require_subcommand(1);
    app.fallthrough();
    const char* home = std::getenv("HOME");
    line.home = std::string(home != nullptr ? home : ".") + "/.melder";
    app.add_option("--vault", line.home, "This device's directory; made by enrol")->envname("MELDER_HOME");
    app.add_option("--server", line.server, "HOST:PORT; remembered by enrol");
    app.add_option("--root", line.root_file, "File with the pinned root set; remembered by enrol");
    long timeout = 0;
    bool once = false;  // only so that it can be said
    const auto seconds = [&](CLI::App* command, const char* meaning) {
        command->add_option("--timeout", timeout, meaning)->check(CLI::Range(1, 86400));
    };

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
    search->add_flag("--json", line.json, "One JSON object a line");
    auto* send = app.add_subcommand("send", "Encrypt and send a text; ends when the server answers for it");
    whom(send, "--to", line);
    send->add_option("TEXT", line.text, "The text; - or nothing: standard input");
    send->add_flag("--delivered", line.until_delivered, "Wait until a device of the recipient has decrypted it");
    seconds(send, "Seconds to wait for the confirmation (30)");
    auto* receive = app.add_subcommand("receive", "Print the next message (or all that come) and acknowledge it");
    auto* follow = receive->add_flag("--follow", line.follow, "Go on until Ctrl-C or a silence of --timeout");
    receive->add_flag("--once", once, "End after one message (the default)")->excludes(follow);
    receive->add_flag("--json", line.json, "One JSON object a line");
    receive->add_flag("!--no-ack", line.acknowledge, "Print only; the message comes again");
    seconds(receive, "Seconds of silence after which to give up (once: 30, follow: never)");
    auto* chat = app.add_subcommand("chat", "A conversation; /help inside explains, Ctrl-D ends");
    chat->add_option("--with", line.peer, "Service number or officer id to begin with");
    auto* jsonrpc = app.add_subcommand("jsonrpc", "JSON-RPC 2.0 on standard input and output, an object a line");

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
    const std::pair<CLI::App*, Verb> verbs[] = {
        {enrol, Verb::enrol}, {status, Verb::status},   {find, Verb::find}, {search, Verb::search},
        {send, Verb::send},   {receive, Verb::receive}, {chat, Verb::chat}, {jsonrpc, Verb::jsonrpc}};
    for (const auto& [command, verb] : verbs)
        if (command->parsed()) line.verb = verb;
    return true;
}

}  // namespace melder::apps
