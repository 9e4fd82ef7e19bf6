#include "apps/melder/commands.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>

#include "apps/json.hpp"
#include "apps/melder/printing.hpp"
#include "apps/melder/terminal.hpp"
#include "apps/qr_code.hpp"
#include "core/limits.hpp"
#include "melder/blocking.hpp"

namespace melder::apps {

using namespace std::chrono_literals;

int enrol(sdk::Account& account, const CommandLine& line, Output& out) {
    auto code = line.code;
    if (!line.code_file.empty()) {
        std::ifstream file(line.code_file);
        if (!std::getline(file, code)) return misuse("no code can be read from " + line.code_file);
    } else if (code.empty() && !std::getline(std::cin, code)) {
        return misuse("no code: give it as an argument, with --code-file or on standard input");
    }
    const auto self = wait(account.enrol({.code = code, .second_part = line.second_part}), 60s);
    if (self.has_error()) return fail(self.error());
    out.put(line.json ? json_of_device(*self) : "Enrolled: " + lines_of(*self));
    return done;
}

int status(sdk::Account& account, const CommandLine& line, Output& out) {
    if (!account.state().self) return fail(Errc::not_enrolled);
    const auto self = wait(account.diagnostics());
    if (self.has_error()) return fail(self.error());
    const auto& state = self->state;
    if (line.json) {
        out.put(json_of(*self));
        return done;
    }
    out.put(lines_of(*state.self));
    out.put("  trust list " + std::to_string(state.trust_list_version) + ", order log " +
            std::to_string(state.log_size) + " entries, " + std::to_string(state.waiting_to_send) +
            " waiting to be sent");
    out.put("  for the help desk: " + self->code);
    return done;
}

int find(sdk::Account& account, const CommandLine& line, Output& out) {
    if (const auto online = go_online(account, in(30s)); online.has_error()) return fail(online.error());
    const auto officer = find_officer(account, line.peer);
    if (officer.has_error()) return fail(officer.error());
    for (const auto& device : officer->devices)
        out.put(line.json ? json_of_device(device) : lines_of(device));
    return done;
}

int search(sdk::Account& account, const CommandLine& line, Output& out) {
    if (const auto online = go_online(account, in(30s)); online.has_error()) return fail(online.error());
    sdk::SearchQuery query{.text = line.searched, .after = std::nullopt};
    std::size_t printed = 0;
    do {
        query.limit = std::min(limits::search_page, line.most - printed);
        const auto page = wait(account.search(query), 30s);
        if (page.has_error()) return fail(page.error());
        for (const auto& officer : page->officers)
            out.put(line.json ? json_of_officer(officer) : line_of(officer));
        printed += page->officers.size();
        query.after = page->next;
    } while (query.after && printed < line.most);
    if (query.after) std::cerr << "melder: there are more; type more letters, or ask for more with --limit\n";
    if (printed > 0) return done;
    std::cerr << "melder: nobody with a device has a name, service number or unit that begins like that; try fewer "
                 "letters\n";
    return failed;
}

int safety_number(sdk::Account& account, const CommandLine& line, Output& out) {
    if (const auto online = go_online(account, in(30s)); online.has_error()) return fail(online.error());
    const auto officer = find_officer(account, line.peer);
    if (officer.has_error()) return fail(officer.error());
    if (officer->officer == account.state().self->officer)
        return misuse("that is your own number; name the officer you compare with");
    const auto number = wait(account.safety_number(officer->officer), 30s);
    if (number.has_error()) return fail(number.error());
    out.put(line.json ? json_of(*number) : lines_of(*number));
    if (!line.qr) return done;
    const auto code = QrCode::draw(view(number->scannable()));
    if (code.has_error()) return fail(code.error());
    auto drawn = code->terminal_text();
    drawn.pop_back();
    out.put(drawn);
    return done;
}

int run_melder(int argc, char** argv) {
    CommandLine line;
    int exit_code = done;
    if (!parse(argc, argv, line, exit_code)) return exit_code;

    const Home home(line.home);
    std::string missing;
    const auto settings = home.settings(line.server, line.root_file, missing);
    if (!settings) return misuse(missing);

    catch_interrupts();
    std::signal(SIGPIPE, SIG_IGN);  // whoever writes asks whether it worked
    sdk::AccountOptions options;
    options.vault_directory = home.vault();
    options.servers = {settings->server};
    options.root_set = settings->root_set;
    options.client_version = "melder " MELDER_VERSION;
    const auto account = sdk::Account::open(std::move(options));
    if (account.has_error()) return fail(account.error());
    const auto remember = [&] {
        if (!home.remember(*settings))
            std::cerr << "melder: the server cannot be remembered in " << line.home
                      << "; name it with --server and --root from now on\n";
    };
    const bool needs_device = line.verb != Verb::enrol && line.verb != Verb::status && line.verb != Verb::jsonrpc;
    if (needs_device && !(*account)->state().enrolled) return fail(Errc::not_enrolled);
    Output out;
    switch (line.verb) {
        case Verb::enrol:
            exit_code = enrol(**account, line, out);
            if (exit_code == done) remember();
            break;
        case Verb::status:
            exit_code = status(**account, line, out);
            break;
        case Verb::find:
            exit_code = find(**account, line, out);
            break;
        case Verb::search:
            exit_code = search(**account, line, out);
            break;
        case Verb::send:
            exit_code = send(**account, line, out);
            break;
        case Verb::receive:
            exit_code = receive(**account, line, out);
            break;
        case Verb::safety_number:
            exit_code = safety_number(**account, line, out);
            break;
        case Verb::chat:
            exit_code = chat(**account, line, out);
            break;
        case Verb::jsonrpc:
            exit_code = jsonrpc(**account, remember, out);
            break;
    }
    return out.end_with(exit_code);
}

}  // namespace melder::apps
