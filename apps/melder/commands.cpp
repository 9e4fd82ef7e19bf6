#include "apps/melder/commands.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include "apps/melder/printing.hpp"
#include "apps/melder/terminal.hpp"
#include "core/limits.hpp"
#include "melder/blocking.hpp"

namespace melder::apps {

using namespace std::chrono_literals;

int enrol(sdk::Account& account, const CommandLine& line) {
    auto code = line.code;
    if (!line.code_file.empty()) {
        std::ifstream file(line.code_file);
        if (!std::getline(file, code)) return misuse("no code can be read from " + line.code_file);
    } else if (code.empty() && !std::getline(std::cin, code)) {
        return misuse("no code: give it as an argument, with --code-file or on standard input");
    }
    const auto self = wait(account.enrol({.code = code, .second_part = line.second_part}), 60s);
    if (self.has_error()) return fail(self.error());
    std::cout << "Enrolled: ";
    print(*self);
    return done;
}

int status(sdk::Account& account) {
    const auto state = account.state();
    if (!state.self) return fail(Errc::not_enrolled);
    print(*state.self);
    std::cout << "  trust list " << state.trust_list_version << ", order log " << state.log_size << " entries, "
              << state.waiting_to_send << " waiting to be sent\n";
    const auto diagnostics = wait(account.diagnostics());
    if (diagnostics.has_error()) return fail(diagnostics.error());
    std::cout << "  for the help desk: " << diagnostics->code << "\n";
    return done;
}

int find(sdk::Account& account, const CommandLine& line) {
    if (const auto online = go_online(account, in(30s)); online.has_error()) return fail(online.error());
    const auto officer = find_officer(account, line.peer);
    if (officer.has_error()) return fail(officer.error());
    for (const auto& device : officer->devices)
        print(device);
    return done;
}

int search(sdk::Account& account, const CommandLine& line) {
    if (const auto online = go_online(account, in(30s)); online.has_error()) return fail(online.error());
    sdk::SearchQuery query{.text = line.searched, .after = std::nullopt};
    std::size_t printed = 0;
    do {
        query.limit = std::min(limits::search_page, line.most - printed);
        const auto page = wait(account.search(query), 30s);
        if (page.has_error()) return fail(page.error());
        for (const auto& officer : page->officers)
            line.json ? print_json(officer) : print_line(officer);
        printed += page->officers.size();
        query.after = page->next;
    } while (query.after && printed < line.most);
    if (query.after) std::cerr << "melder: there are more; type more letters, or ask for more with --limit\n";
    if (printed > 0) return done;
    std::cerr << "melder: nobody with a device has a name, service number or unit that begins like that\n";
    return failed;
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
    switch (line.verb) {
        case Verb::enrol: {
            const int outcome = enrol(**account, line);
            if (outcome == done) remember();
            return outcome;
        }
        case Verb::status:
            return status(**account);
        case Verb::find:
            return find(**account, line);
        case Verb::search:
            return search(**account, line);
        case Verb::send:
            return send(**account, line);
        case Verb::receive:
            return receive(**account, line);
        case Verb::chat:
            return chat(**account, line);
        case Verb::jsonrpc:
            return jsonrpc(**account, remember);
    }
    return wrong_usage;
}

}  // namespace melder::apps
