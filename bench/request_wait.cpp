// How long other clients wait while something heavy goes on: asks a server without a pause, over one connection each,
// for a statement (memory), one device (the store) and to take over the trust list it has (the lane for writes), until
// standard input ends; then prints how often, the 99th percentile and the longest wait of each.
//
//     melder_request_wait HOME KEY_FILE PASSPHRASE_FILE HOST:PORT

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "apps/melder-admin/admin_link.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/home.hpp"
#include "apps/melder-admin/key_file.hpp"

namespace melder::admin {
namespace {

struct Question {
    const char* name;
    wire::Frame (*make)(const TrustList& trust);
    wire::Frame::BodyCase expected;
};

constexpr Question questions[] = {
    {"statement (memory)",
     [](const TrustList&) {
         wire::Frame frame;
         frame.mutable_fetch_statement()->set_client_nonce(std::string(16, 'n'));
         return frame;
     },
     wire::Frame::kStatement},
    {"one device (store)",
     [](const TrustList&) {
         wire::Frame frame;
         frame.mutable_list_devices()->set_limit(1);
         return frame;
     },
     wire::Frame::kDeviceList},
    {"trust list (writes)",
     [](const TrustList& trust) {
         wire::Frame frame;
         *frame.mutable_offer_trust_list()->mutable_trust_list() = trust.document().to_wire();
         return frame;
     },
     wire::Frame::kDone},
};

bool input_ended() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) > 0;
}

std::vector<double> ask_until_the_end(AdminLink& link, const Question& question) {
    constexpr auto pause = std::chrono::milliseconds(5);
    std::vector<double> waits;
    while (!input_ended()) {
        const auto from = std::chrono::steady_clock::now();
        const auto reply = link.ask(question.make(link.trust()), question.expected);
        if (reply.has_error()) {
            std::fprintf(stderr, "%s: %s\n", question.name, reply.error().message().c_str());
            break;
        }
        waits.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - from).count());
        std::this_thread::sleep_for(pause);
    }
    std::ranges::sort(waits);
    return waits;
}

Result<void> run(char** arguments) {
    const Home home(arguments[1]);
    MELDER_TRY(const auto passphrase, read_file(arguments[3]));
    const auto text = as_chars(passphrase.expose());
    MELDER_TRY(const auto key, load_key(arguments[2], SecretBuffer(view(text.substr(0, text.find('\n'))))));
    MELDER_TRY(const auto address, parse_server(arguments[4]));
    client::ServerTrust trust;
    MELDER_TRY(trust.roots, home.load_root_set());
    std::vector<std::unique_ptr<AdminLink>> links;
    for (std::size_t i = 0; i < std::size(questions); ++i) {
        MELDER_TRY(auto link, AdminLink::open(address, trust, key));
        links.push_back(std::move(link));
    }
    std::vector<std::vector<double>> waits(links.size());
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < links.size(); ++i)
            threads.emplace_back([&, i] { waits[i] = ask_until_the_end(*links[i], questions[i]); });
    }
    for (std::size_t i = 0; i < links.size(); ++i) {
        if (waits[i].empty()) continue;
        std::printf("    %-22s %6zu asked, p99 %7.1f ms, longest %7.1f ms\n", questions[i].name, waits[i].size(),
                    waits[i][waits[i].size() * 99 / 100], waits[i].back());
    }
    return ok();
}

}  // namespace
}  // namespace melder::admin

int main(int count, char** arguments) {
    if (count != 5) {
        std::fprintf(stderr, "usage: %s HOME KEY_FILE PASSPHRASE_FILE HOST:PORT\n", arguments[0]);
        return 2;
    }
    const auto done = melder::admin::run(arguments);
    if (done.has_error()) std::fprintf(stderr, "%s\n", done.error().message().c_str());
    return done.has_error() ? 1 : 0;
}
