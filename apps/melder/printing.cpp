#include "apps/melder/printing.hpp"

#include <array>
#include <ctime>
#include <iostream>

#include "apps/json.hpp"

namespace melder::apps {
namespace {

/// What the person can do about it; empty where the sentence itself says it.
std::string_view advice(Errc code) {
    switch (code) {
        case Errc::code_malformed:
            return "type it again as it is printed";
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

/// The length of the UTF-8 sequence at `at` that a terminal must not obey; 0 if it may.
std::size_t commanding(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto first = byte(at);
    if (first == '\t' || first == '\n') return 0;
    if (first < 0x20 || first == 0x7f) return 1;
    if (first == 0xc2 && byte(at + 1) >= 0x80 && byte(at + 1) <= 0x9f) return 2;  // C1: CSI as one character
    if (first == 0xe2 && byte(at + 1) == 0x80 && byte(at + 2) >= 0xaa && byte(at + 2) <= 0xae) return 3;  // bidi
    if (first == 0xe2 && byte(at + 1) == 0x81 && byte(at + 2) >= 0xa6 && byte(at + 2) <= 0xa9) return 3;  // isolates
    return 0;
}

}  // namespace

std::string harmless(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        if (const auto length = commanding(text, at)) {
            out += "\xef\xbf\xbd";
            at += length;
            continue;
        }
        out += text[at];
        if (text[at++] == '\n') out += "    ";
    }
    return out;
}

void print(const sdk::PeerDevice& device) {
    std::cout << harmless(device.display_name) << ", service number " << harmless(device.service_number)
              << "\n  officer " << device.officer.hex() << "\n  device  " << device.device.hex() << std::endl;
}

std::string line_of(const sdk::PeerDevice& officer) {
    return harmless(officer.service_number) + "  " + harmless(officer.display_name) + "  " + harmless(unit_of(officer));
}

void print_line(const sdk::PeerDevice& officer) {
    std::cout << line_of(officer) << "\n";
}

void print_json(const sdk::PeerDevice& officer) {
    JsonLine line;
    line.text("officer", officer.officer.hex())
        .text("name", officer.display_name)
        .text("number", officer.service_number)
        .text("unit", unit_of(officer))
        .text("role", officer.leader ? "leader" : "member");
    std::cout << line.str() << "\n";
}

void print(const sdk::TextReceived& message) {
    std::cout << harmless(message.from.display_name) << (message.own ? " (you, elsewhere): " : ": ")
              << harmless(message.text.view()) << std::endl;
}

void print_json(const sdk::TextReceived& message) {
    JsonLine line;
    line.text("content_id", message.content_id.hex())
        .text("from", message.from.service_number)
        .text("name", message.from.display_name)
        .text("officer", message.from.officer.hex())
        .text("device", message.from.device.hex())
        .text("written_by", message.own ? "own_device" : "peer")
        .text("urgency", message.urgency == sdk::Urgency::urgent ? "urgent" : "normal")
        .text("text", message.text.view());
    std::cout << line.str() << std::endl;
}

std::string line_of(const sdk::TextReceived& message) {
    const auto seconds = static_cast<std::time_t>(message.sent_at.seconds());
    std::tm local{};
    std::array<char, 16> clock{};
    ::localtime_r(&seconds, &local);
    std::strftime(clock.data(), clock.size(), "[%H:%M] ", &local);
    std::string line = clock.data();
    if (message.urgency == sdk::Urgency::urgent) line += "URGENT ";
    if (message.stale_head) line += "(sender without a fresh list of revocations) ";
    return line + harmless(message.from.display_name) + (message.own ? " (you, elsewhere): " : ": ") +
           harmless(message.text.view());
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
    const auto what_to_do = advice(why.code());
    auto out = why.message() + (what_to_do.empty() ? "" : "; " + std::string(what_to_do));
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
