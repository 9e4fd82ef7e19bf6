#include "apps/melder-admin/help_desk_commands.hpp"

#include "apps/json.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/words.hpp"
#include "core/diagnosis.hpp"
#include "core/envelope.hpp"
#include "core/errc_help.hpp"

namespace melder::admin {
namespace {

using wire::Frame;

std::string_view lane_text(wire::Lane lane) {
    const auto known = lane_from(static_cast<std::uint32_t>(lane));
    return known.has_error() ? "unknown" : melder::name_of(*known);
}

std::string error_text(std::uint32_t code) {
    return code != 0 && is_known(code) ? std::string(melder::name_of(static_cast<Errc>(code))) : std::to_string(code);
}

UnixTime seconds(std::uint64_t value) {
    return UnixTime::from_seconds(static_cast<std::int64_t>(value));
}

void show_json(const EnrolmentId& id, const wire::DeviceStatus& status, std::ostream& out) {
    out << apps::JsonLine()
               .text("device", id.hex())
               .text("state", name_of_state(status.device().state()))
               .text("client_version", status.client_version())
               .number("protocol", status.protocol_version())
               .number("connected", status.connected() ? 1 : 0)
               .number("last_seen_s", status.last_seen_s())
               .number("one_time_prekeys", status.one_time_prekeys())
               .number("grant_version", status.device().grant_version())
               .number("not_after_s", status.device().not_after_s())
               .number("errors_since_s", status.errors_since_s())
               .str()
        << "\n";
    for (const auto& lane : status.lanes()) {
        out << apps::JsonLine()
                   .text("lane", lane_text(lane.lane()))
                   .number("waiting", lane.waiting())
                   .number("aside", lane.aside())
                   .number("oldest_ms", lane.oldest_ms())
                   .str()
            << "\n";
    }
    for (const auto& error : status.last_errors()) {
        out << apps::JsonLine()
                   .text("error", error_text(error.code()))
                   .number("day_s", error.day_s())
                   .number("count", error.count())
                   .str()
            << "\n";
    }
}

std::string version_text(const wire::DeviceStatus& status) {
    if (status.last_seen_s() == 0) return "not known before the first login";
    const auto& told = status.client_version();
    return (told.empty() ? "not told" : told) + ", protocol " + std::to_string(status.protocol_version());
}

Result<Frame> ask_desk(AdminLink& link, Frame request, Frame::BodyCase expected) {
    auto reply = link.ask(std::move(request), expected);
    if (reply.has_error() && reply.error() == Errc::unknown_device)
        return Error(Errc::not_found, "the server knows no such device; `device list` prints them");
    return reply;
}

std::string_view link_text(Diagnosis::Link link) {
    switch (link) {
        case Diagnosis::Link::connecting:
            return "connecting";
        case Diagnosis::Link::online:
            return "online";
        case Diagnosis::Link::restricted:
            return "restricted";
        case Diagnosis::Link::offline:
            break;
    }
    return "offline";
}

void explain_error(std::string_view what, Errc code, std::ostream& out) {
    if (code == Errc{}) return;
    out << what << error_text(static_cast<std::uint32_t>(code)) << "\n";
    const auto help = help_of(code);
    if (!help.cause.empty()) out << "             " << help.cause << "\n             " << help.todo << "\n";
}

std::string below(std::uint8_t log2, std::uint8_t most) {
    if (log2 == 0) return "none";
    if (log2 == most) return std::to_string(1U << (most - 1)) + " or more";
    return log2 == 1 ? "1" : std::to_string(1U << (log2 - 1)) + " to " + std::to_string((1U << log2) - 1);
}

}  // namespace

Result<void> explain_code(const std::string& code, bool json, std::ostream& out) {
    const auto said = parse_diagnosis(code);
    if (said.has_error())
        return Error(
            Errc::bad_argument,
            "these are not the eight characters that the app shows, or one was misheard; have them read again");
    if (json) {
        out << apps::JsonLine()
                   .text("connection", link_text(said->link))
                   .text("connection_error",
                         said->link_error == Errc{} ? "" : error_text(static_cast<std::uint32_t>(said->link_error)))
                   .text("sealing_error", said->sealing_error == Errc{}
                                              ? ""
                                              : error_text(static_cast<std::uint32_t>(said->sealing_error)))
                   .number("head_age_hours", said->head_age_hours)
                   .text("waiting", below(said->waiting_log2, 15))
                   .text("losses", below(said->losses_log2, 7))
                   .str()
            << "\n";
        return ok();
    }
    out << "connection   " << link_text(said->link) << "\n";
    explain_error("because      ", said->link_error, out);
    explain_error("can't send   ", said->sealing_error, out);
    out << "order log    ";
    if (said->head_age_hours >= 31) {
        out << "not confirmed for 31 hours or longer, or never";
    } else {
        out << "confirmed " << int{said->head_age_hours} << " hours ago";
    }
    out << "\nwaiting      " << below(said->waiting_log2, 15) << "\nunreadable   " << below(said->losses_log2, 7)
        << "\n";
    return ok();
}

Result<void> show_device(Session& session, const std::string& device, std::ostream& out) {
    MELDER_TRY(const auto id, parse_device(device));
    MELDER_TRY(const auto status, fetch_status(*session.link, id));
    if (session.json) {
        show_json(id, status, out);
        return ok();
    }
    out << "device       " << id.hex() << "\nstate        " << name_of_state(status.device().state())
        << (status.connected() ? ", connected" : ", not connected") << "\nlast seen    "
        << (status.last_seen_s() == 0 ? "never" : date_text(seconds(status.last_seen_s()))) << "\nversion      "
        << version_text(status) << "\ngrant        version " << status.device().grant_version() << ", until "
        << date_text(seconds(status.device().not_after_s())) << "\nprekeys      " << status.one_time_prekeys()
        << " one-time prekeys left\n";
    for (const auto& lane : status.lanes()) {
        out << "lane         " << lane_text(lane.lane()) << ": " << lane.waiting() << " waiting";
        if (lane.waiting() > 0 && lane.oldest_ms() != 0)
            out << ", the oldest since " << time_text(UnixTime{static_cast<std::int64_t>(lane.oldest_ms())});
        if (lane.aside() > 0) out << "; " << lane.aside() << " aside (`device aside " << id.hex() << "`)";
        out << "\n";
    }
    if (status.last_errors().empty()) {
        out << "refused      nothing since the server's start on " << time_text(seconds(status.errors_since_s()))
            << "\n";
    }
    for (const auto& error : status.last_errors()) {
        out << "refused      " << error_text(error.code()) << ", " << error.count() << " on "
            << date_text(seconds(error.day_s())) << ", since the server's start on "
            << time_text(seconds(status.errors_since_s())) << "\n";
    }
    return ok();
}

Result<void> show_aside(Session& session, const AsideOptions& options, std::ostream& out) {
    MELDER_TRY(const auto id, parse_device(options.device));
    if (!options.envelopes.empty() && !options.release)
        return Error(Errc::bad_argument, "--entry says what to release; add --release");
    MELDER_CHECK(need_right(session, Right::helpdesk));
    Frame request;
    if (options.release) {
        auto& release = *request.mutable_release_aside();
        release.set_enrolment_id(id.string());
        for (const auto& text : options.envelopes) {
            const auto envelope = EnvelopeId::from_hex(text);
            if (envelope.has_error())
                return Error(Errc::bad_argument, "--entry takes an id of 32 hex digits, as `device aside` prints them");
            release.add_envelopes()->set_envelope_id(envelope->string());
        }
        MELDER_TRY(const auto reply, ask_desk(*session.link, std::move(request), Frame::kAsideReleased));
        const auto count = reply.aside_released().count();
        if (session.json) {
            out << apps::JsonLine().text("device", id.hex()).number("released", count).str() << "\n";
        } else {
            out << count << (count == 1 ? " entry" : " entries")
                << " released: delivered again, at once if the device is connected\n";
        }
        return ok();
    }
    request.mutable_list_aside()->set_enrolment_id(id.string());
    MELDER_TRY(const auto reply, ask_desk(*session.link, std::move(request), Frame::kAsideList));
    for (const auto& entry : reply.aside_list().entries()) {
        const auto envelope = to_hex(view(entry.envelope_id()));
        const UnixTime ends{static_cast<std::int64_t>(entry.expires_at_ms())};
        if (session.json) {
            out << apps::JsonLine()
                       .text("entry", envelope)
                       .text("lane", lane_text(entry.lane()))
                       .text("error", error_text(entry.code()))
                       .number("refusals", entry.refusals())
                       .number("bytes", entry.bytes())
                       .number("expires_at_ms", entry.expires_at_ms())
                       .str()
                << "\n";
        } else {
            out << envelope << "  " << lane_text(entry.lane()) << "  " << error_text(entry.code()) << "  refused "
                << entry.refusals() << " times  " << entry.bytes() << " bytes  until " << date_text(ends) << "\n";
        }
    }
    if (session.json) return ok();
    if (reply.aside_list().entries().empty()) {
        out << "nothing is aside\n";
    } else {
        out << "`--release` delivers all of them again, `--entry ID --release` one; useful after an update of the "
               "app\n";
    }
    return ok();
}

}  // namespace melder::admin
