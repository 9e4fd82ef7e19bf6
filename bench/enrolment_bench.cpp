// melder_enrolment_bench PORT SERVER-PID ROOT-SET AT-ONCE: reads codes from standard input, one a line, each with its
// second part behind a `;` if it has one, and enrols as many phones at the real server, at most AT-ONCE at the same
// time. Their keys are made first, so that on one machine the server's time is not theirs. A phone that is told `busy`,
// or is closed without a word, comes again as the SDK's back-off says. Prints processor time of both sides, what the
// phones were told, and how long they waited.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <thread>

#include <sys/resource.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bench/enrolment_phone.hpp"
#include "sdk/account/backoff.hpp"

namespace melder::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point begun) {
    return std::chrono::duration<double>(SteadyClock::now() - begun).count();
}

double own_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Processor time of another process, in the steps of the kernel's clock (10 ms).
double seconds_of(const std::string& pid) {
    std::ifstream in("/proc/" + pid + "/stat");
    const std::string text(std::istreambuf_iterator<char>(in), {});
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i)
        fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::vector<PrintedCode> read_codes() {
    std::vector<PrintedCode> out;
    for (std::string line; std::getline(std::cin, line);) {
        const auto at = line.find(';');
        out.push_back({line.substr(0, at), at == std::string::npos ? "" : line.substr(at + 1)});
    }
    return out;
}

std::vector<Phone> prepare_all(const std::vector<PrintedCode>& codes) {
    const auto workers = std::max(1U, std::thread::hardware_concurrency());
    std::vector<std::vector<Phone>> made(workers);
    std::vector<PreparationTimes> times(workers);
    std::vector<std::thread> threads;
    for (unsigned worker = 0; worker < workers; ++worker) {
        threads.emplace_back([&, worker] {
            for (std::size_t i = worker; i < codes.size(); i += workers)
                made[worker].push_back(prepare(codes[i], times[worker]).value());
        });
    }
    PreparationTimes sum;
    std::vector<Phone> phones;
    for (unsigned worker = 0; worker < workers; ++worker) {
        threads[worker].join();
        sum.code += times[worker].code;
        sum.keys += times[worker].keys;
        std::ranges::move(made[worker], std::back_inserter(phones));
    }
    const auto each = 1000.0 / static_cast<double>(phones.size());
    std::printf("%zu phones prepared, CPU each: %.1f ms for the code, %.1f ms for keys, 200 prekeys and vault\n",
                phones.size(), sum.code * each, sum.keys * each);
    return phones;
}

class Load {
public:
    Load(std::vector<Phone> phones, std::uint16_t port, client::ServerTrust trust, std::size_t at_once)
        : phones_(std::move(phones)), port_(port), trust_(std::move(trust)), at_once_(at_once) {}

    /// False if a phone was refused for good.
    bool run(const std::string& server) {
        const auto server_before = seconds_of(server);
        const auto own_before = own_seconds();
        begun_ = SteadyClock::now();
        for (std::size_t i = 0; i < std::min(at_once_, phones_.size()); ++i)
            next();
        context_.run();
        report(seconds_since(begun_), seconds_of(server) - server_before, own_seconds() - own_before);
        return refused_ == 0;
    }

private:
    struct Attempt {
        std::size_t phone = 0;
        SteadyClock::time_point begun{};  ///< the first of its attempts
        sdk::Backoff backoff{};
        std::unique_ptr<Enrolling> enrolling{};
        std::optional<boost::asio::steady_timer> timer{};
    };

    void next() {
        if (next_phone_ == phones_.size()) return;
        auto attempt = std::make_shared<Attempt>();
        attempt->phone = next_phone_++;
        attempt->begun = SteadyClock::now();
        start(attempt);
    }

    void start(const std::shared_ptr<Attempt>& attempt) {
        ++connections_;
        attempt->enrolling = std::make_unique<Enrolling>(context_.get_executor(), phones_[attempt->phone]);
        attempt->enrolling->start(port_, trust_, [this, attempt](const Result<void>& outcome) {
            boost::asio::post(context_, [this, attempt, outcome] { finish(attempt, outcome); });
        });
    }

    void finish(const std::shared_ptr<Attempt>& attempt, const Result<void>& outcome) {
        attempt->enrolling.reset();
        if (!outcome.has_error()) {
            waited_.push_back(seconds_since(attempt->begun));
            return next();
        }
        const auto& why = outcome.error();
        ++told_[std::string(name_of(why.code()))];
        if (why != Errc::busy && why != Errc::network && why != Errc::closed && why != Errc::deadline_exceeded) {
            ++refused_;
            return next();
        }
        attempt->timer.emplace(context_, attempt->backoff.next(system_random(), Millis(why.retry_after_ms())));
        attempt->timer->async_wait([this, attempt](const boost::system::error_code& error) {
            if (!error) start(attempt);
        });
    }

    void report(double passed, double server, double own) {
        std::ranges::sort(waited_);
        const auto count = static_cast<double>(waited_.size());
        if (waited_.empty()) return static_cast<void>(std::printf("nobody enrolled\n"));
        std::printf("%zu enrolled in %.1f s: %.0f a second, %.0f in an hour, at most %zu at once\n", waited_.size(),
                    passed, count / passed, 3600 * count / passed, at_once_);
        std::printf("CPU each: server %.2f ms, phone %.2f ms after its keys were made; %zu connections\n",
                    1000 * server / count, 1000 * own / count, connections_);
        const auto part = [&](double share) { return 1000 * waited_[static_cast<std::size_t>(share * (count - 1))]; };
        std::printf("from connecting to 200 published prekeys: median %.0f ms, 99 in 100 %.0f ms, at most %.0f ms\n",
                    part(0.5), part(0.99), part(1));
        for (const auto& [what, times] : told_)
            std::printf("told %s: %zu times\n", what.c_str(), times);
    }

    const std::vector<Phone> phones_;
    const std::uint16_t port_;
    const client::ServerTrust trust_;
    const std::size_t at_once_;
    boost::asio::io_context context_{1};
    SteadyClock::time_point begun_{};
    std::size_t next_phone_ = 0;
    std::size_t connections_ = 0;
    std::size_t refused_ = 0;
    std::vector<double> waited_;
    std::map<std::string, std::size_t> told_;
};

int run(const char* port, const char* server, const char* root_set, const char* at_once) {
    std::ifstream in(root_set, std::ios::binary);
    const Bytes content(std::istreambuf_iterator<char>(in), {});
    const auto roots = RootSet::parse(content);
    if (roots.has_error()) {
        std::cerr << "melder_enrolment_bench: " << root_set << " is no root set\n";
        return 2;
    }
    Load load(prepare_all(read_codes()), static_cast<std::uint16_t>(std::stoul(port)),
              {.roots = *roots, .known = nullptr, .lowest_version = 0}, std::stoul(at_once));
    return load.run(server) ? 0 : 1;
}

}  // namespace
}  // namespace melder::bench

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: melder_enrolment_bench PORT SERVER-PID ROOT-SET AT-ONCE < CODES\n";
        return 2;
    }
    // A descriptor a phone.
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        return melder::bench::run(argv[1], argv[2], argv[3], argv[4]);
    } catch (const std::exception& failure) {
        std::cerr << "melder_enrolment_bench: " << failure.what() << "\n";
        return 1;
    }
}
