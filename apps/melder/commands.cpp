#include "apps/melder/commands.hpp"

#include <charconv>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>

#include <CLI/CLI.hpp>

#include "melder/account.hpp"
#include "melder/blocking.hpp"

namespace melder::apps {
namespace {

using namespace std::chrono_literals;
using sdk::Account;

constexpr auto examples = R"(Examples:
  melder --vault ~/melder --server melder.example:5222 --root root-set enrol MLD1-XXXXX-…
  melder --vault ~/melder --server melder.example:5222 --root root-set status
  melder --vault ~/melder --server melder.example:5222 --root root-set find 4711

The root set comes from your administrator (`melder-admin root init` writes it); never take it from a server.
Exit codes: 0 done, 1 refused or failed (a sentence says why), 2 wrong usage.)";

struct Usage {
    std::string vault, server, root;
    std::string code, second_part, number;
};

int fail(const Error& why) {
    std::cerr << "melder: " << why.message() << "\n";
    return 1;
}
int misuse(const std::string& sentence) {
    std::cerr << "melder: " << sentence << "\n";
    return 2;
}

std::optional<sdk::ServerEndpoint> parse_server(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return std::nullopt;
    sdk::ServerEndpoint server{text.substr(0, colon), 0};
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, server.port);
    if (error != std::errc() || rest != end || server.port == 0) return std::nullopt;
    return server;
}

void print(const sdk::PeerDevice& device) {
    std::cout << device.display_name << ", service number " << device.service_number << "\n  officer "
              << device.officer.hex() << "\n  device  " << device.device.hex() << "\n";
}

int enrol(Account& account, const Usage& usage) {
    const auto self = wait(account.enrol({.code = usage.code, .second_part = usage.second_part}), 60s);
    if (self.has_error()) return fail(self.error());
    std::cout << "Enrolled: ";
    print(*self);
    return 0;
}

int status(const Account& account) {
    const auto state = account.state();
    if (!state.self) {
        std::cout << "Not enrolled.\n";
        return 0;
    }
    print(*state.self);
    std::cout << "  trust list " << state.trust_list_version << ", order log " << state.log_size << " entries\n";
    return 0;
}

/// Waits until the connection stands or is refused.
Result<void> go_online(Account& account) {
    account.connect();
    for (;;) {
        MELDER_TRY(const auto event, wait(account.next_event(), 30s));
        const auto* change = std::get_if<sdk::ConnectionChanged>(&event.what);
        if (change == nullptr) continue;
        if (change->state == sdk::ConnectionState::online) return ok();
        if (change->state == sdk::ConnectionState::restricted) return Errc::not_allowed;
        if (change->state == sdk::ConnectionState::offline) return change->reason.value_or(Error(Errc::network));
    }
}

int find(Account& account, const Usage& usage) {
    if (const auto online = go_online(account); online.has_error()) return fail(online.error());
    const auto officer = wait(account.look_up(usage.number), 30s);
    if (officer.has_error()) return fail(officer.error());
    for (const auto& device : officer->devices)
        print(device);
    return 0;
}

}  // namespace

int run_melder(int argc, char** argv) {
    Usage usage;
    CLI::App app("melder: the terminal messenger of Melder.");
    app.footer(examples);
    app.require_subcommand(1);
    app.add_option("--vault", usage.vault, "Directory of this device's vault; made by enrol")->required();
    app.add_option("--server", usage.server, "HOST:PORT")->required();
    app.add_option("--root", usage.root, "File with the pinned root set")->required();
    auto* enrolling = app.add_subcommand("enrol", "Make this directory a device, with a one-time code");
    enrolling->add_option("CODE", usage.code, "MLD1-…")->required();
    enrolling->add_option("--second-part", usage.second_part, "For codes that travelled through a device management");
    auto* showing = app.add_subcommand("status", "Who this device is and what it knows; asks no server");
    auto* finding = app.add_subcommand("find", "The devices of an officer, verified");
    finding->add_option("NUMBER", usage.number, "Service number")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }

    const auto server = parse_server(usage.server);
    if (!server) return misuse("--server wants HOST:PORT, for example melder.example:5222");
    std::ifstream file(usage.root, std::ios::binary);
    sdk::AccountOptions options;
    options.root_set.assign(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open()) return misuse("the root set cannot be read: " + usage.root);
    options.vault_directory = usage.vault;
    options.servers = {*server};
    options.client_version = "melder 0.1.0";
    auto account = Account::open(std::move(options));
    if (account.has_error()) return fail(account.error());
    if (enrolling->parsed()) return enrol(**account, usage);
    if (finding->parsed()) return find(**account, usage);
    if (showing->parsed()) return status(**account);
    return 2;
}

}  // namespace melder::apps
