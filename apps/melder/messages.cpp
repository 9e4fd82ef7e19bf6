// send and receive. What is received is acknowledged only after it was printed and flushed: a process killed in
// between sees it again.

#include <cerrno>
#include <iostream>

#include <unistd.h>

#include "apps/json.hpp"
#include "apps/melder/commands.hpp"
#include "apps/melder/printing.hpp"
#include "apps/melder/terminal.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"
#include "melder/blocking.hpp"

namespace melder::apps {
namespace {

using namespace std::chrono_literals;

/// Standard input to its end, at most one byte more than a message may have.
Result<std::string> read_standard_input() {
    if (::isatty(STDIN_FILENO) == 1) std::cerr << "melder: type the text; Ctrl-D sends it, Ctrl-C does not\n";
    std::string text(limits::text_bytes + 2, '\0');  // and the line's end
    std::size_t size = 0;
    while (size < text.size()) {
        const auto read = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
        if (interrupted()) return Errc::cancelled;
        if (read < 0 && errno == EINTR) continue;
        if (read < 0) return Errc::io_error;
        if (read == 0) break;
        size += static_cast<std::size_t>(read);
    }
    text.resize(size);
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

/// Empty, or why this text cannot be sent.
std::string fault_of(const std::string& text) {
    if (text.empty()) return "nothing to send: give the text as an argument or on standard input";
    if (text.size() > limits::text_bytes) return "the text is longer than 16384 bytes; send it in parts";
    if (is_utf8(text)) return {};
    std::string_view rest(text);
    while (take_code_point(rest)) {
    }
    return "the text is not UTF-8: byte " + std::to_string(text.size() - rest.size() + 1) +
           " begins no character; convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 FILE | melder send --to …";
}

int tell(Output& out, const CommandLine& line, const char* state, const ContentId& id) {
    out.put(line.json ? JsonLine().text("state", state).text("content_id", id.hex()).str()
                      : std::string(state) + " " + id.hex());
    return done;
}

/// Waits for what becomes of one message. Messages of others that come meanwhile are left for `receive`.
int await_confirmation(sdk::Account& account, const ContentId& id, const CommandLine& line, Deadline deadline,
                       Output& out) {
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
                return tell(out, line, "stored", id);
            case sdk::SendState::delivered:
                return tell(out, line, "delivered", id);
            case sdk::SendState::expired:
                return fail(Errc::expired);
            case sdk::SendState::failed:
                // One device of several is no failure of the message.
                if (!progress->device) return fail(progress->reason);
        }
    }
}

/// Prints what a person must know of; true if it was a message.
bool show(const sdk::Event& event, bool json, Output& out) {
    if (const auto* text = std::get_if<sdk::TextReceived>(&event.what)) {
        out.put(json ? json_of(*text) : plain_line_of(*text));
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

int send(sdk::Account& account, const CommandLine& line, Output& out) {
    auto text = line.text == "-" ? read_standard_input() : Result<std::string>(line.text);
    if (text.has_error() && text.error() == Errc::cancelled) {
        std::cerr << "melder: interrupted; nothing was sent\n";
        return failed;
    }
    if (text.has_error()) return misuse("standard input cannot be read; give the text as an argument");
    if (const auto fault = fault_of(*text); !fault.empty()) return misuse(fault);
    const auto time = line.timeout > 0s ? line.timeout : 30s;
    const auto deadline = in(time);
    if (const auto online = go_online(account, deadline); online.has_error()) return fail(online.error());
    const auto officer = find_officer(account, line.peer);
    if (officer.has_error()) return fail(officer.error());
    sdk::Message message{.content_id = account.new_content_id(),
                         .to = officer->officer,
                         .text = std::move(*text),
                         .urgency = line.urgent ? sdk::Urgency::urgent : sdk::Urgency::normal,
                         .time_to_live = {},
                         .expire_after_display = {}};
    if (line.lives_for > 0s) message.time_to_live = line.lives_for;
    const auto id = message.content_id;
    if (const auto sent = wait(account.send(std::move(message)), time); sent.has_error()) return fail(sent.error());
    return await_confirmation(account, id, line, deadline, out);
}

int receive(sdk::Account& account, const CommandLine& line, Output& out) {
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
        const bool message = show(*event, line.json, out);
        if (message && !out.is_taken()) return done;  // not acknowledged: it comes again
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
