#include "apps/melder/terminal.hpp"

#include <csignal>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "melder/blocking.hpp"

namespace melder::apps {
namespace {

using namespace std::chrono_literals;

std::atomic<bool> interrupt_seen{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // set in a signal handler
std::array<int, 2> interrupt_pipe{-1, -1};

void on_interrupt(int) {
    const int before = errno;
    interrupt_seen = true;
    (void)!::write(interrupt_pipe[1], "", 1);
    errno = before;
}

constexpr auto look_for_interrupts_every = 100ms;
constexpr auto look_up_takes_at_most = 30s;

}  // namespace

Deadline in(std::chrono::seconds time) {
    return std::chrono::steady_clock::now() + time;
}

void catch_interrupts() {
    if (interrupt_pipe[0] < 0 && ::pipe2(interrupt_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    struct sigaction action{};
    action.sa_handler = on_interrupt;  // no SA_RESTART: reading from a terminal ends too
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    struct sigaction before{};
    ::sigaction(SIGHUP, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);  // nohup stays nohup
}

bool interrupted() noexcept {
    return interrupt_seen;
}

int interrupt_descriptor() noexcept {
    return interrupt_pipe[0];
}

Result<sdk::Event> next_event(sdk::Account& account, Deadline deadline) {
    for (;;) {
        if (interrupted()) return Errc::cancelled;
        auto slice = std::chrono::milliseconds(look_for_interrupts_every);
        if (deadline) {
            const auto left = *deadline - std::chrono::steady_clock::now();
            slice = std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(left), 0ms, slice);
        }
        auto event = wait(account.next_event(), slice);
        if (event.has_value() || event.error() != Errc::deadline_exceeded) return event;
        if (deadline && std::chrono::steady_clock::now() >= *deadline) return event;
    }
}

Error why_restricted(sdk::Account& account) {
    using Kind = sdk::TrustNotice::Kind;
    account.restart_events();  // the notice may have come before
    for (const auto deadline = in(2s);;) {
        const auto event = next_event(account, deadline);
        if (event.has_error()) return Errc::not_allowed;
        const auto* notice = std::get_if<sdk::TrustNotice>(&event->what);
        if (notice == nullptr) continue;
        if (notice->kind == Kind::own_device_revoked) return Errc::device_revoked;
        if (notice->kind == Kind::own_device_replaced) return Errc::device_replaced;
    }
}

Result<void> go_online(sdk::Account& account, Deadline deadline) {
    account.connect();
    for (;;) {
        MELDER_TRY(const auto event, next_event(account, deadline));
        const auto* change = std::get_if<sdk::ConnectionChanged>(&event.what);
        if (change == nullptr) continue;
        MELDER_CHECK(wait(account.acknowledge(event.id)));
        if (change->state == sdk::ConnectionState::online) {
            account.restart_events();  // what came before is for the command
            return ok();
        }
        if (change->state == sdk::ConnectionState::restricted) return why_restricted(account);
        if (change->state == sdk::ConnectionState::offline) return change->reason.value_or(Errc::network);
    }
}

Result<sdk::OfficerInfo> find_officer(sdk::Account& account, const std::string& who) {
    if (who.size() == 2 * OfficerId::size_bytes) {
        if (const auto id = OfficerId::from_hex(who); id.has_value())
            return wait(account.look_up(*id), look_up_takes_at_most);
    }
    return wait(account.look_up(who), look_up_takes_at_most);
}

}  // namespace melder::apps
