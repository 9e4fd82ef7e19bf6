#include "apps/melder/printing.hpp"

#include <array>
#include <ctime>
#include <iostream>

#include "apps/json.hpp"
#include "core/errc_help.hpp"
#include "core/text.hpp"

namespace melder::apps {
namespace {

/// What the person can do about it; empty where the sentence itself says it.
std::string_view advice(Errc code) {
    switch (code) {
        case Errc::code_malformed:
            return "type it again as it is printed";
        case Errc::second_part_wrong:
            return "give it with --second-part, as it was handed to you; the code is not used up";
        case Errc::unknown_code:
        case Errc::code_expired:
        case Errc::code_used:
        case Errc::already_bound:
            return "ask your administrator for a new one";
        case Errc::wrong_server_key:
            return "do not go on; tell your administrator which network you are in";
        case Errc::trust_list_expired:
        case Errc::device_revoked:
        case Errc::device_replaced:
        case Errc::credential_expired:
            return "ask your administrator";
        case Errc::network:
        case Errc::tls:
        case Errc::deadline_exceeded:
        case Errc::not_connected:
            return "check the address and the network, then try again";
        case Errc::clock_skew:
            return "set this machine's clock";
        case Errc::vault_in_use:
            return "end the other melder on this vault, or use another --vault";
        case Errc::vault_newer_version:
            return "update melder";
        case Errc::vault_wrong_key:
        case Errc::vault_unreadable:
            return "restore the directory, or enrol anew in an empty one";
        case Errc::not_enrolled:
            return "enrol it first: melder enrol --help";
        case Errc::already_enrolled:
            return "use another --vault for another device";
        case Errc::not_found:
            return "check the number; an officer without a device cannot be found";
        case Errc::no_prekeys:
            return "it must connect once before anybody can write to it";
        default:
            return {};
    }
}

/// "LKA/K5/K52"
std::string unit_of(const sdk::PeerDevice& device) {
    std::string path;
    for (const auto& id : device.unit)
        path += (path.empty() ? "" : "/") + id;
    return path;
}

/// What a terminal would obey, or what makes text read as another one.
bool commands(char32_t c) {
    const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    const bool directional =
        c == 0x061c || (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    const bool separator = c == 0x2028 || c == 0x2029;
    const bool invisible_copy = c >= 0xe0000 && c <= 0xe007f;  // tags: letters that nobody sees
    return control || directional || separator || invisible_copy;
}

std::string hour_of(UnixTime time, const char* format) {
    const auto seconds = static_cast<std::time_t>(time.seconds());
    std::tm local{};
    std::array<char, 24> out{};
    ::localtime_r(&seconds, &local);
    std::strftime(out.data(), out.size(), format, &local);
    return out.data();
}

std::string author_and_text(const sdk::TextReceived& message) {
    return harmless(message.from.display_name) + (message.own ? " (you, elsewhere): " : ": ") +
           harmless(message.text.view());
}

std::string devices_of(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " device" : " devices");
}

}  // namespace

std::string harmless(std::string_view text) {
    constexpr std::string_view replacement = "\xef\xbf\xbd";
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto before = text;
        const auto c = take_code_point(text);
        if (!c) {
            text.remove_prefix(1);
            out += replacement;
        } else if (*c == '\n') {
            out += "\n    ";
        } else if (commands(*c) && *c != '\t') {
            out += replacement;
        } else {
            out += before.substr(0, before.size() - text.size());
        }
    }
    return out;
}

std::string lines_of(const sdk::PeerDevice& device) {
    return harmless(device.display_name) + ", service number " + harmless(device.service_number) + "\n  officer " +
           device.officer.hex() + "\n  device  " + device.device.hex();
}

std::string line_of(const sdk::PeerDevice& officer) {
    return harmless(officer.service_number) + "  " + harmless(officer.display_name) + "  " + harmless(unit_of(officer));
}

std::string plain_line_of(const sdk::TextReceived& message) {
    return author_and_text(message);
}

std::string clock_of(UnixTime time) {
    return hour_of(time, "[%H:%M] ");
}

std::string line_of(const sdk::TextReceived& message) {
    auto line = clock_of(message.sent_at);
    if (message.urgency == sdk::Urgency::urgent) line += "URGENT ";
    if (message.stale_head) line += "(sender without a fresh list of revocations) ";
    line += author_and_text(message);
    const auto& end = message.expires_at;
    if (end && *end < message.sent_at + std::chrono::hours(24)) line += hour_of(*end, "  (until %H:%M)");
    return line;
}

std::string lines_of(const sdk::SafetyNumber& number) {
    constexpr std::size_t row = 24;  // four groups of five with their spaces
    const auto groups = number.groups();
    std::string out;
    for (std::size_t at = 0; at < groups.size(); at += row)
        out += "    " + groups.substr(at, row - 1) + "\n";
    out += "It covers " + devices_of(number.own.size()) + " of yours and " + devices_of(number.theirs.size()) + " of " +
           harmless(number.theirs.front().display_name) + " (" + harmless(number.theirs.front().service_number) + "):";
    for (const auto& [whose, devices] : {std::pair{"yours  ", &number.own}, std::pair{"theirs ", &number.theirs}}) {
        for (const auto& device : *devices)
            out += std::string("\n  ") + whose + device.device.hex();
    }
    return out +
           "\nRead the digits to each other. The same, and these devices are in your hands and theirs: nobody "
           "stands between.";
}

std::string json_of_device(const sdk::PeerDevice& device) {
    JsonLine line;
    line.text("officer", device.officer.hex())
        .text("device", device.device.hex())
        .text("name", device.display_name)
        .text("number", device.service_number)
        .text("unit", unit_of(device))
        .text("role", device.leader ? "leader" : "member");
    return line.str();
}

std::string json_of_officer(const sdk::PeerDevice& officer) {
    JsonLine line;
    line.text("officer", officer.officer.hex())
        .text("name", officer.display_name)
        .text("number", officer.service_number)
        .text("unit", unit_of(officer))
        .text("role", officer.leader ? "leader" : "member");
    return line.str();
}

std::string json_of(const sdk::TextReceived& message) {
    JsonLine line;
    line.text("content_id", message.content_id.hex())
        .text("from", message.from.service_number)
        .text("name", message.from.display_name)
        .text("officer", message.from.officer.hex())
        .text("device", message.from.device.hex())
        .text("conversation", message.conversation.hex())
        .text("written_by", message.own ? "own_device" : "peer")
        .text("urgency", message.urgency == sdk::Urgency::urgent ? "urgent" : "normal")
        .number("sent_at_ms", static_cast<std::uint64_t>(message.sent_at.ms));
    if (message.expires_at) line.number("expires_at_ms", static_cast<std::uint64_t>(message.expires_at->ms));
    line.text("text", message.text.view());
    return line.str();
}

std::string json_of(const sdk::Diagnostics& self) {
    JsonLine line;
    line.text("officer", self.state.self->officer.hex())
        .text("device", self.state.self->device.hex())
        .text("name", self.state.self->display_name)
        .text("number", self.state.self->service_number)
        .text("unit", unit_of(*self.state.self))
        .text("role", self.state.self->leader ? "leader" : "member")
        .number("trust_list_version", self.state.trust_list_version)
        .number("log_size", self.state.log_size)
        .number("waiting_to_send", self.state.waiting_to_send)
        .text("help_desk", self.code);
    return line.str();
}

std::string json_of(const sdk::SafetyNumber& number) {
    JsonLine line;
    line.text("officer", number.officer.hex())
        .text("name", number.theirs.front().display_name)
        .text("number", number.groups())
        .text("scannable", number.scannable())
        .number("own_devices", number.own.size())
        .number("their_devices", number.theirs.size());
    return line.str();
}

std::string notice_of(const sdk::Event& event) {
    using Kind = sdk::TrustNotice::Kind;
    if (std::holds_alternative<sdk::UnknownReceived>(event.what))
        return "a message of a kind this version cannot show; update melder";
    if (const auto* gap = std::get_if<sdk::GapNoticed>(&event.what))
        return std::to_string(gap->last - gap->first + 1) + " messages of a peer " +
               (gap->expired ? "expired before they arrived" : "are missing");
    if (std::holds_alternative<sdk::MessageLost>(event.what)) return "a message could not be read and is lost";
    if (const auto* expired = std::get_if<sdk::ExpiredUnread>(&event.what))
        return std::to_string(expired->count) + " messages expired unread";
    const auto* trust = std::get_if<sdk::TrustNotice>(&event.what);
    if (trust == nullptr) return {};
    switch (trust->kind) {
        case Kind::head_unconfirmed:
            return "no confirmation of revocations for 12 hours; after 24 only urgent messages go out";
        case Kind::log_forked:
            return "the server told different histories to different devices; tell your administrator";
        case Kind::own_device_revoked:
            return "this device is revoked";
        case Kind::own_device_replaced:
            return "this device was replaced by another one";
        case Kind::own_binding_differs:
            return "somebody else enrolled under this device's code; tell your administrator";
        case Kind::trust_list_expired:
            return "the trust list has expired; tell your administrator";
        case Kind::clock_refused:
            return "the server's time jumped and is not believed; tell your administrator";
    }
    return {};
}

std::string sentence(const Error& why) {
    auto out = why.message();
    if (const auto what_to_do = advice(why.code()); !what_to_do.empty()) {
        out.append("; ").append(what_to_do);
    } else if (auto todo = help_of(why.code()).todo; !todo.empty()) {
        out.append(". ").append(todo.substr(0, todo.size() - 1));  // a line does not end with a full stop
    }
    if (const auto wait_ms = why.retry_after_ms(); wait_ms > 0)
        out += " (" + std::to_string((wait_ms + 999) / 1000) + " s)";
    return out;
}

int fail(const Error& why) {
    std::cerr << "melder: " << sentence(why) << "\n";
    return failed;
}

int misuse(const std::string& sentence) {
    std::cerr << "melder: " << sentence << "\n";
    return wrong_usage;
}

}  // namespace melder::apps
