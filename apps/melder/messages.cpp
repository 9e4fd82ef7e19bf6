// send and receive. What is received is acknowledged only after it was printed and flushed: a process killed in
// between sees it again.

#include <iostream>
#include <iterator>

#include "apps/melder/commands.hpp"
#include "apps/melder/printing.hpp"
#include "apps/melder/terminal.hpp"
#include "melder/blocking.hpp"

namespace melder::apps {
namespace {

using namespace std::chrono_literals;

/// Waits for what becomes of one message. Messages of others that come meanwhile are left for `receive`.
int await_confirmation(sdk::Account& account, const ContentId& id, const CommandLine& line, Deadline deadline) {
    for (;;) {
        const auto event = next_event(account, deadline);
        if (event.has_error()) {
            if (event.error() != Errc::deadline_exceeded && event.error() != Errc::cancelled)
                return fail(event.error());
            std::cerr << "melder: not confirmed yet; the message is in the outbox and goes out with the next command "
                         "that connects\n";
            return nothing_in_time;
        }
        const auto* progress = std::get_if<sdk::SendProgress>(&event->what);
        if (progress == nullptr || progress->content_id != id) continue;
        switch (progress->state) {
            case sdk::SendState::stored:
                if (line.until_delivered) break;
                std::cout << "stored " << id.hex() << std::endl;
                return done;
            case sdk::SendState::delivered:
                std::cout << "delivered " << id.hex() << std::endl;
                return done;
            case sdk::SendState::expired:
                return fail(Errc::expired);
            case sdk::SendState::failed:
                // One device of several is no failure of the message.
                if (!progress->device) return fail(progress->reason);
        }
    }
}

/// Prints what a person must know of; true if it was a message.
bool show(const sdk::Event& event, bool json) {
    if (const auto* text = std::get_if<sdk::TextReceived>(&event.what)) {
        json ? print_json(*text) : print(*text);
        return true;
    }
    if (const auto notice = notice_of(event); !notice.empty()) std::cerr << "melder: " << notice << "\n";
    return false;
}

/// A refusal that waiting does not mend; unset otherwise.
std::optional<Error> final_refusal(sdk::Account& account, const sdk::Event& event) {
    const auto* change = std::get_if<sdk::ConnectionChanged>(&event.what);
    if (change == nullptr) return std::nullopt;
    const bool restricted = change->state == sdk::ConnectionState::restricted;
    const bool given_up = change->state == sdk::ConnectionState::offline && change->retry_after == 0ms;
    if (!restricted && !given_up) return std::nullopt;
    return restricted ? why_restricted(account) : change->reason.value_or(Errc::network);
}

}  // namespace

int send(sdk::Account& account, const CommandLine& line) {
    auto text = line.text;
    if (text == "-") text.assign(std::istreambuf_iterator<char>(std::cin), {});
    if (text.empty()) return misuse("nothing to send: give the text as an argument or on standard input");
    const auto time = line.timeout > 0s ? line.timeout : 30s;
    const auto deadline = in(time);
    if (const auto online = go_online(account, deadline); online.has_error()) return fail(online.error());
    const auto officer = find_officer(account, line.peer);
    if (officer.has_error()) return fail(officer.error());
    sdk::Message message{.content_id = account.new_content_id(),
                         .to = officer->officer,
                         .text = std::move(text),
                         .time_to_live = {},
                         .expire_after_display = {}};
    const auto id = message.content_id;
    if (const auto sent = wait(account.send(std::move(message)), time); sent.has_error()) return fail(sent.error());
    return await_confirmation(account, id, line, deadline);
}

int receive(sdk::Account& account, const CommandLine& line) {
    account.connect();  // and stays: `receive --follow` lives through restarts of the server
    const auto silence = line.timeout > 0s ? line.timeout : 30s;
    const auto patience = [&] { return line.follow && line.timeout == 0s ? Deadline{} : in(silence); };
    bool received = false;
    for (auto deadline = patience();;) {
        const auto event = next_event(account, deadline);
        if (event.has_error()) {
            if (event.error() == Errc::cancelled) return received || line.follow ? done : nothing_in_time;
            if (event.error() == Errc::deadline_exceeded) return received ? done : nothing_in_time;
            return fail(event.error());
        }
        const bool message = show(*event, line.json);
        if (line.acknowledge || !message) {
            if (const auto told = wait(account.acknowledge(event->id)); told.has_error()) return fail(told.error());
        }
        if (const auto refused = final_refusal(account, *event)) return fail(*refused);
        if (!message) continue;
        received = true;
        if (!line.follow) return done;
        deadline = patience();
    }
}

}  // namespace melder::apps
