#include "apps/melder/chat_logic.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "apps/melder/printing.hpp"
#include "apps/nearest_command.hpp"

namespace melder::apps {
namespace {

constexpr const char* help[] = {
    "/to NUMBER     write to another officer; shows what he wrote meanwhile",
    "/search WORDS  officers by the beginning of a name, a number or a unit; ae = ä",
    "/more          further ones of the last search",
    "/urgent TEXT   send as urgent: delivered before everything else",
    "/list          conversations of this run, with what is unread",
    "/safety        the safety number with whom you write: compare it aloud",
    "/help          this",
    "/quit          end; also Ctrl-D",
    "A line that begins with // is sent with one slash. What you paste is one message, whatever lines it has.",
    "Arrows, Ctrl-A, Ctrl-E, Ctrl-W edit the line; Ctrl-C drops it, and on an empty line ends.",
    "stored: the server answers for it. delivered: a device of theirs has decrypted it.",
};
const std::vector<std::string> commands = {"to", "search", "more", "urgent", "list", "safety", "help", "quit"};

}  // namespace

ChatLogic::Actions ChatLogic::on_start(const std::string& who) {
    Actions out{Show{"/help explains; Ctrl-D ends."}};
    wanted_ = who;
    first_ = !who.empty();
    if (who.empty()) out.emplace_back(Show{"Nobody chosen yet: /to NUMBER, or wait for a message."});
    return out;
}

ChatLogic::Actions ChatLogic::on_line(const std::string& line) {
    Actions out;
    if (line.empty()) return out;
    if (waits() && line != "/quit" && line != "/help") {
        typed_.push_back(line);
        return out;
    }
    if (line.starts_with("//")) {
        write(line.substr(1), sdk::Urgency::normal, out);
    } else if (line.starts_with('/')) {
        command(line, out);
    } else {
        write(line, sdk::Urgency::normal, out);
    }
    return out;
}

void ChatLogic::command(std::string_view line, Actions& out) {
    const auto space = line.find(' ');
    const auto name = line.substr(0, space);
    auto rest = space == std::string_view::npos ? std::string_view() : line.substr(space);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const bool alone = rest.empty();
    if (name == "/quit" && alone) {
        out.emplace_back(Leave{});
    } else if (name == "/safety" && alone) {
        if (!peer_) return out.push_back(Show{"With whom? /to NUMBER chooses an officer."});
        if (!online_) return out.push_back(Show{"Not connected: devices cannot be compared."});
        out.emplace_back(CompareKeys{*peer_});
    } else if (name == "/help") {
        for (const auto* each : help)
            out.emplace_back(Show{each});
    } else if (name == "/list") {
        list(out);
    } else if (name == "/to" && !rest.empty()) {
        const auto known = std::find_if(officers_.begin(), officers_.end(),
                                        [&](const auto& entry) { return entry.second.number == rest; });
        if (known != officers_.end()) return turn_to(known->first, out);
        look_up(std::string(rest), out);
    } else if (name == "/search" && !rest.empty()) {
        search(std::string(rest), out);
    } else if (name == "/more") {
        if (!more_) return out.push_back(Show{"There is nothing more of a search to show."});
        out.emplace_back(Search{*std::exchange(more_, std::nullopt)});
    } else if (name == "/urgent" && !rest.empty()) {
        write(std::string(rest), sdk::Urgency::urgent, out);
    } else if (std::ranges::find(commands, name.substr(1)) != commands.end()) {
        out.emplace_back(Show{"! " + std::string(name) + (alone ? " needs a word after it" : " stands alone") +
                              "; /help explains."});
    } else {
        const auto nearest = nearest_command(name.substr(1), commands);
        out.emplace_back(Show{"! There is no such command: " + harmless(name) + "; " +
                              (nearest.empty() ? "/help lists them." : "did you mean /" + nearest + "?")});
    }
}

ChatLogic::Actions ChatLogic::on_compared(const Result<sdk::SafetyNumber>& number) const {
    if (number.has_error()) return {Show{"! " + sentence(number.error())}};
    return {Show{"Safety number with " + harmless(number->theirs.front().display_name) + ":\n" + lines_of(*number)}};
}

void ChatLogic::search(std::string text, Actions& out) {
    more_.reset();
    if (!online_) return out.push_back(Show{"Not connected: the directory cannot be searched."});
    out.emplace_back(Search{{.text = std::move(text), .after = std::nullopt}});
}

ChatLogic::Actions ChatLogic::on_searched(const std::string& text, const Result<sdk::OfficersPage>& page) {
    Actions out;
    if (page.has_error()) return {Show{"! " + sentence(page.error())}};
    for (const auto& officer : page->officers)
        out.emplace_back(Show{"  " + line_of(officer)});
    if (page->next) {
        more_ = sdk::SearchQuery{.text = text, .after = page->next};
        out.emplace_back(Show{"/to NUMBER writes to one of them; /more shows further ones."});
    } else {
        out.emplace_back(Show{page->officers.empty() ? "Nobody with a device is called like that."
                                                     : "/to NUMBER writes to one of them."});
    }
    return out;
}

void ChatLogic::look_up(std::string who, Actions& out) {
    wanted_ = std::move(who);
    if (online_) return out.push_back(LookUp{wanted_});
    out.emplace_back(Show{"Not connected; the number is looked up as soon as that works."});
}

void ChatLogic::write(std::string text, sdk::Urgency urgency, Actions& out) {
    if (!peer_) {
        out.emplace_back(Show{"To whom? /to NUMBER chooses an officer."});
        return;
    }
    const auto id = new_content_id_();
    const auto number = sent_.size() + 1;
    sent_[id] = {number, officers_[*peer_].name, false};
    out.emplace_back(Send{id, number, *peer_, std::move(text), urgency});
}

ChatLogic::Actions ChatLogic::on_found(const std::string& who, const Result<sdk::OfficerInfo>& found) {
    Actions out;
    if (who != wanted_) return out;
    if (found.has_error()) {
        if (found.error() == Errc::not_connected || found.error() == Errc::network) return out;  // again when online
        wanted_.clear();
        if (first_) return {Leave{found.error()}};
        out.emplace_back(Show{"! " + harmless(who) + ": " + sentence(found.error())});
        if (!typed_.empty()) out.emplace_back(Show{"! What was typed for that officer was not sent."});
        typed_.clear();
        return out;
    }
    wanted_.clear();
    first_ = false;
    auto& officer = officers_[found->officer];
    if (!found->devices.empty()) {
        officer.name = found->devices.front().display_name;
        officer.number = found->devices.front().service_number;
    }
    turn_to(found->officer, out);
    for (const auto& line : std::exchange(typed_, {})) {
        auto more = on_line(line);  // another /to makes the rest wait again
        std::move(more.begin(), more.end(), std::back_inserter(out));
    }
    return out;
}

void ChatLogic::turn_to(const OfficerId& officer, Actions& out) {
    peer_ = officer;
    auto& entry = officers_[officer];
    out.emplace_back(Show{"Writing with " + harmless(entry.name) + " (" + harmless(entry.number) + ")."});
    for (const auto& event : std::exchange(entry.unread, {})) {
        const auto& text = std::get<sdk::TextReceived>(event.what);
        out.emplace_back(Show{line_of(text), text.expires_at});
        out.emplace_back(Acknowledge{event.id});
    }
}

ChatLogic::Actions ChatLogic::on_event(const sdk::Event& event) {
    Actions out;
    if (const auto* text = std::get_if<sdk::TextReceived>(&event.what)) {
        on_text(event, *text, out);
        return out;
    }
    if (const auto* progress = std::get_if<sdk::SendProgress>(&event.what)) {
        on_progress(*progress, out);
    } else if (const auto* change = std::get_if<sdk::ConnectionChanged>(&event.what)) {
        on_connection(*change, out);
    } else if (auto notice = notice_of(event); !notice.empty()) {
        out.emplace_back(Show{"! " + std::move(notice)});
    }
    out.emplace_back(Acknowledge{event.id});
    return out;
}

void ChatLogic::on_text(const sdk::Event& event, const sdk::TextReceived& text, Actions& out) {
    auto& officer = officers_[text.conversation];
    if (!text.own) {
        officer.name = text.from.display_name;
        officer.number = text.from.service_number;
    }
    if (!peer_ && wanted_.empty()) turn_to(text.conversation, out);
    if (text.conversation == peer_) {
        out.emplace_back(Show{line_of(text), text.expires_at});
        out.emplace_back(Acknowledge{event.id});
        return;
    }
    officer.unread.push_back(event);
    if (officer.unread.size() == 1)
        out.emplace_back(
            Show{"! " + harmless(officer.name) + " writes; /to " + harmless(officer.number) + " shows it"});
}

void ChatLogic::on_progress(const sdk::SendProgress& progress, Actions& out) {
    const auto sent = sent_.find(progress.content_id);
    if (sent != sent_.end()) sent->second.answered = true;
    const auto which = sent == sent_.end()
                           ? std::string("an earlier message")
                           : "#" + std::to_string(sent->second.number) + " to " + harmless(sent->second.to);
    switch (progress.state) {
        case sdk::SendState::stored:
            return out.push_back(Show{"  " + which + ": stored"});
        case sdk::SendState::delivered:
            return out.push_back(Show{"  " + which + ": delivered"});
        case sdk::SendState::expired:
            return out.push_back(Show{"! " + which + ": expired before anybody confirmed it"});
        case sdk::SendState::failed:
            return out.push_back(Show{"! " + which + (progress.device ? ": not for one of the devices; " : ": ") +
                                      std::string(text_of(progress.reason))});
    }
}

void ChatLogic::on_connection(const sdk::ConnectionChanged& change, Actions& out) {
    online_ = change.state == sdk::ConnectionState::online;
    switch (change.state) {
        case sdk::ConnectionState::connecting:
            return;
        case sdk::ConnectionState::online:
            out.emplace_back(Show{was_online_ ? "Online again." : "Online."});
            was_online_ = true;
            offline_told_.reset();
            if (!wanted_.empty()) out.emplace_back(LookUp{wanted_});
            return;
        case sdk::ConnectionState::restricted:
            out.emplace_back(Leave{change.reason.value_or(Errc::not_allowed)});
            return;
        case sdk::ConnectionState::offline: {
            const auto why = change.reason.value_or(Errc::network);
            if (change.retry_after.count() == 0) {
                out.emplace_back(Leave{why});
                return;
            }
            if (offline_told_ == why.code()) return;  // once, however often it is tried
            offline_told_ = why.code();
            out.emplace_back(Show{"! Offline: " + sentence(why) + "; next try in " +
                                  std::to_string((change.retry_after.count() + 999) / 1000) +
                                  " s. What is written meanwhile goes out by itself."});
            return;
        }
    }
}

ChatLogic::Actions ChatLogic::on_sent(const ContentId& id, const Result<void>& sent) {
    Actions out;
    if (sent.has_value()) return out;
    const auto entry = sent_.find(id);
    if (entry != sent_.end()) entry->second.answered = true;
    const auto number = entry == sent_.end() ? std::string("?") : std::to_string(entry->second.number);
    out.emplace_back(Show{"! #" + number + " was not sent: " + sentence(sent.error())});
    return out;
}

void ChatLogic::list(Actions& out) const {
    if (officers_.empty()) out.emplace_back(Show{"No conversation yet."});
    for (const auto& [id, officer] : officers_)
        out.emplace_back(
            Show{std::string(id == peer_ ? "* " : "  ") + harmless(officer.number) + "  " + harmless(officer.name) +
                 (officer.unread.empty() ? "" : "  " + std::to_string(officer.unread.size()) + " unread")});
}

std::size_t ChatLogic::unread_elsewhere() const {
    std::size_t count = 0;
    for (const auto& [id, officer] : officers_)
        count += officer.unread.size();
    return count;
}

std::size_t ChatLogic::unanswered() const {
    return static_cast<std::size_t>(
        std::count_if(sent_.begin(), sent_.end(), [](const auto& each) { return !each.second.answered; }));
}

std::string ChatLogic::prompt() const {
    std::string out = was_online_ && !online_ ? "offline, " : "";
    if (peer_) out += harmless(officers_.at(*peer_).name);
    if (const auto count = unread_elsewhere()) out += " (" + std::to_string(count) + " unread elsewhere)";
    return out + "> ";
}

}  // namespace melder::apps
