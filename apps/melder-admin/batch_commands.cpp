#include "apps/melder-admin/batch_commands.hpp"

#include <unistd.h>

#include <atomic>
#include <iostream>
#include <map>
#include <thread>

#include "apps/json.hpp"
#include "apps/melder-admin/code_batch.hpp"
#include "apps/melder-admin/csv.hpp"
#include "apps/melder-admin/directory.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/sign_commands.hpp"
#include "apps/melder-admin/words.hpp"
#include "apps/qr_code.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

struct Files {
    std::string batch, mdm, parts, qr;
    explicit Files(const std::string& name)
        : batch(name + ".batch"), mdm(name + ".mdm.csv"), parts(name + ".parts"), qr(name + ".qr") {}
    void remove() const {
        std::error_code ignored;
        for (const auto& file : {batch, mdm, parts})
            std::filesystem::remove(file, ignored);
        std::filesystem::remove_all(qr, ignored);
    }
};

/// One request after the other on each thread: a second part costs a scrypt, which is what the time goes into.
Result<std::vector<IssuedCode>> issue_all(const std::vector<GrantRequest>& requests, const Statement& statement,
                                          const Ed25519Seed& key) {
    const bool shown = ::isatty(STDERR_FILENO) == 1;
    std::vector<std::optional<Result<IssuedCode>>> issued(requests.size());
    std::atomic<std::size_t> next = 0;
    std::atomic<std::size_t> done = 0;
    const auto work = [&](bool tells) {
        for (auto i = next++; i < requests.size(); i = next++) {
            issued[i] = admin::issue_code(requests[i], statement, key, system_random());
            ++done;
            if (tells && shown) std::cerr << "\r" << done << " of " << requests.size() << " signed";
        }
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 1; i < std::min(limits::second_part_threads, requests.size()); ++i)
            threads.emplace_back(work, false);
        work(true);
    }
    if (shown) std::cerr << "\r" << done << " of " << requests.size() << " signed\n";
    std::vector<IssuedCode> out;
    for (auto& result : issued) {
        MELDER_TRY(auto code, std::move(*result));
        out.push_back(std::move(code));
    }
    return out;
}

Result<void> write_qr(const std::string& directory, const std::string& number, const EnrolmentId& device,
                      BytesView code) {
    // A service number may hold what no file name does; the device's id always can be one.
    const bool plain = std::ranges::all_of(number, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    });
    MELDER_TRY(const auto drawn, apps::QrCode::draw(code));
    MELDER_TRY(const auto png, drawn.png());
    return write_new_file(directory + "/" + (plain ? number : device.hex()) + ".png", png, 0600);
}

Result<void> make_private_directory(const std::string& directory) {
    std::error_code error;
    std::filesystem::create_directory(directory, error);
    if (!error) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    if (error) return Error(Errc::io_error, directory + " (" + error.message() + ")");
    return ok();
}

Result<void> issue_for(Session& session, const std::vector<std::string>& numbers, const BatchOptions& options,
                       std::ostream& out) {
    const Files files(options.out);
    for (const auto& file : {files.batch, files.mdm, files.parts, files.qr, options.sign_request}) {
        if (!file.empty() && std::filesystem::exists(file))
            return Error(Errc::already_exists, file + "; nothing was issued");
    }
    MELDER_CHECK(need_right(session, Right::enrol));
    if (numbers.size() > limits::grants_per_hour_per_key && options.second_key == nullptr &&
        options.sign_request.empty()) {
        return Error(Errc::not_allowed, std::to_string(numbers.size()) +
                                            " codes take a second signature, as more than " +
                                            std::to_string(limits::grants_per_hour_per_key) +
                                            " grants an hour and key do: --second-key FILE signs with another "
                                            "administrator's key here, --sign-request FILE writes a file for "
                                            "`melder-admin sign`. Nothing was issued");
    }
    GrantRequest request;
    MELDER_TRY(request.code_valid, parse_duration(options.code_valid));
    MELDER_TRY(request.grant_valid, parse_duration(options.grant_valid));
    if (request.code_valid > std::chrono::seconds(session.link->trust().fields().longest_code_validity_s))
        return Error(Errc::bad_argument, "--valid is longer than the trust list allows");
    MELDER_TRY(const auto directory, fetch_directory(*session.link));
    std::map<std::string_view, const KnownOfficer*> officers;
    for (const auto& officer : directory.force.officers)
        officers.emplace(officer.officer.service_number, &officer);
    for (const auto& number : numbers) {
        const auto found = officers.find(number);
        if (found == officers.end()) return Error(Errc::not_found, "no officer has the service number " + number);
        if (found->second->absent_since)
            return Error(Errc::not_allowed, "officer " + number + " is missing from the directory's source");
    }
    MELDER_TRY(const auto statement, session.link->fetch_statement());

    std::vector<GrantRequest> requests;
    for (const auto& number : numbers) {
        const auto& known = *officers.at(number);
        request.officer = known.id;
        request.display_name = known.officer.display_name;
        request.service_number = number;
        request.unit = known.officer.unit;
        request.roles = known.officer.roles;
        request.second_part = options.without_second_part ? "" : make_second_part(system_random());
        requests.push_back(request);
    }
    const auto started = std::chrono::steady_clock::now();
    MELDER_TRY(auto issued, issue_all(requests, statement, session.key));
    const bool silent = std::chrono::steady_clock::now() - started > limits::ping_interval;
    std::vector<BatchEntry> entries;
    std::vector<SignedBytes> documents;
    std::string mdm = "service_number;code;device\n";
    std::string parts;
    for (std::size_t i = 0; i < issued.size(); ++i) {
        auto& document = issued[i].document;
        if (options.second_key != nullptr) sign(document, Context::grant, *options.second_key);
        const auto& wanted = requests[i];
        const auto code = issued[i].code.text();
        const auto device = issued[i].grant.enrolment_id;
        mdm +=
            csv_field(wanted.service_number) + ";" + std::string(as_chars(code.expose())) + ";" + device.hex() + "\n";
        if (!wanted.second_part.empty())
            parts += second_part_sheet(wanted.display_name, wanted.service_number, wanted.second_part);
        entries.push_back({wanted.service_number, device});
        documents.push_back(std::move(document));
    }
    const auto write = [&]() -> Result<void> {
        if (options.qr) MELDER_CHECK(make_private_directory(files.qr));
        for (std::size_t i = 0; i < issued.size() && options.qr; ++i) {
            const auto code = issued[i].code.text();
            MELDER_CHECK(write_qr(files.qr, requests[i].service_number, issued[i].grant.enrolment_id, code.expose()));
        }
        MELDER_CHECK(write_new_file(files.mdm, view(mdm), 0600));
        if (!parts.empty()) MELDER_CHECK(write_new_file(files.parts, view(parts), 0600));
        MELDER_CHECK(write_new_file(files.batch, view(encode_batch(entries)), 0600));
        if (options.sign_request.empty()) return ok();
        SignRequest request_file;
        for (auto& document : documents)
            request_file.items.push_back({.context = Context::grant, .document = std::move(document)});
        return write_sign_request(session, options.sign_request, request_file, out);
    };
    if (auto written = write(); written.has_error() || !options.sign_request.empty()) {
        if (written.has_error()) files.remove();
        return written;
    }
    if (silent) {  // nobody answered the server's pings meanwhile
        MELDER_TRY(session.link, session.reopen(session.key));
    }
    std::size_t entered = 0;
    if (const auto put = put_grants(*session.link, documents, {}, &entered); put.has_error()) {
        const auto& error = put.error();
        // A lost connection may have lost an answer, so the files stay.
        const bool refused = error != Errc::network && error != Errc::deadline_exceeded;
        if (entered == 0 && refused) {
            files.remove();
            return Error(error.code(), (error.detail().empty() ? "" : error.detail() + ". ") + "Nothing was issued");
        }
        return Error(error.code(), std::to_string(entered) + " of " + std::to_string(documents.size()) +
                                       " were entered; `codes status " + files.batch +
                                       "` shows who is open, `codes reissue` makes new codes for them");
    }
    if (session.json) {
        out << apps::JsonLine()
                   .number("issued", entries.size())
                   .text("batch", files.batch)
                   .text("mdm", files.mdm)
                   .text("parts", parts.empty() ? "" : files.parts)
                   .text("qr", options.qr ? files.qr : "")
                   .str()
            << "\n";
        return ok();
    }
    out << entries.size() << " codes issued, valid for " << options.code_valid << "\n"
        << files.mdm << " is for the device management" << (parts.empty() ? "" : "; the second parts in ")
        << (parts.empty() ? "" : files.parts) << (parts.empty() ? "\n" : " go another way: never by the same\n")
        << (options.qr ? "QR codes in " + files.qr + "\n" : "") << "melder-admin codes status " << files.batch << "\n";
    return ok();
}

struct Standing {
    BatchEntry entry;
    bool enrolled = false, waiting = false;
    bool elsewhere = false;  ///< has a newer code that waits, or enrolled with it
    std::string text;
    const wire::DeviceEntry* device = nullptr;
};

/// What was tried with the code in vain, since the server's start.
std::string tries_text(const wire::DeviceEntry& device) {
    if (device.refused_tries() == 0) return {};
    const auto tries = std::to_string(device.refused_tries()) + (device.refused_tries() == 1 ? " try" : " tries");
    switch (static_cast<Errc>(device.last_refusal())) {
        case Errc::second_part_wrong:
            return "; " + tries + ", the last with a wrong second part";
        case Errc::already_bound:
            return "; " + tries + ", the last from another phone";
        case Errc::code_expired:
            return "; " + tries + ", the last after its end";
        default:
            return "; " + tries + " in vain";
    }
}

Standing standing_of(const BatchEntry& entry, const wire::DeviceEntry* device) {
    Standing out{.entry = entry, .text = {}, .device = device};
    if (device == nullptr) {
        out.text = "failed: the server never took it";
        return out;
    }
    switch (device->state()) {
        case wire::DEVICE_STATE_ACTIVE:
            out.enrolled = true;
            out.text = "enrolled";
            break;
        case wire::DEVICE_STATE_WAITING:
            out.waiting = true;
            out.text = "waiting until " +
                       date_text(UnixTime::from_seconds(static_cast<std::int64_t>(device->bind_before_s())));
            break;
        case wire::DEVICE_STATE_EXPIRED:
            out.text = device->bound_at_s() != 0 ? "failed: the device's grant is over" : "failed: the code expired";
            break;
        case wire::DEVICE_STATE_SUSPENDED:
            out.text = "failed: suspended";
            break;
        case wire::DEVICE_STATE_REVOKED:
            out.text = "failed: revoked";
            break;
        case wire::DEVICE_STATE_REPLACED:
            out.text = "failed: replaced by another device";
            break;
        default:
            out.text = "failed: in a state this version does not know";
    }
    out.text += tries_text(*device);
    return out;
}

/// A code of another batch, made later, for the same officer.
void look_elsewhere(Standing& standing, const std::vector<const wire::DeviceEntry*>& of_officer) {
    if (standing.enrolled || standing.waiting) return;
    for (const auto* const other : of_officer) {
        const bool active = other->state() == wire::DEVICE_STATE_ACTIVE;
        const bool later = standing.device == nullptr || other->bind_before_s() > standing.device->bind_before_s();
        if (!later || (!active && other->state() != wire::DEVICE_STATE_WAITING)) continue;
        standing.elsewhere = true;
        standing.text += active ? "; enrolled with a newer code" : "; a newer code waits";
        return;
    }
}

struct Standings {
    std::vector<wire::DeviceEntry> devices;  ///< the rows point into it
    std::vector<Standing> rows;
};

Result<Standings> fetch_standings(Session& session, const std::string& file) {
    MELDER_TRY(const auto bytes, read_file(file));
    const auto entries = parse_batch(as_chars(bytes.expose()));
    if (entries.has_error()) return Error(entries.error().code(), file + ", " + entries.error().detail());
    MELDER_TRY(auto fetched, fetch_devices(*session.link, {}));
    Standings out;
    out.devices = std::move(fetched);
    std::map<std::string_view, const wire::DeviceEntry*> by_id;
    std::map<std::string_view, std::vector<const wire::DeviceEntry*>> by_number;
    for (const auto& device : out.devices) {
        by_id.emplace(device.enrolment_id(), &device);
        by_number[device.service_number()].push_back(&device);
    }
    for (const auto& entry : *entries) {
        const auto id = entry.device.string();
        const auto found = by_id.find(id);
        auto standing = standing_of(entry, found == by_id.end() ? nullptr : found->second);
        look_elsewhere(standing, by_number[entry.service_number]);
        out.rows.push_back(std::move(standing));
    }
    return out;
}

}  // namespace

Result<void> issue_batch(Session& session, const BatchOptions& options, std::ostream& out) {
    MELDER_TRY(const auto bytes, read_file(options.file));
    const auto numbers = parse_numbers(as_chars(bytes.expose()));
    if (numbers.has_error()) return Error(numbers.error().code(), options.file + ", " + numbers.error().detail());
    return issue_for(session, *numbers, options, out);
}

Result<void> show_batch(Session& session, const BatchOptions& options, std::ostream& out) {
    MELDER_TRY(const auto standings, fetch_standings(session, options.file));
    std::size_t enrolled = 0;
    std::size_t waiting = 0;
    std::size_t elsewhere = 0;
    for (const auto& standing : standings.rows) {
        elsewhere += standing.elsewhere ? 1 : 0;
        enrolled += standing.enrolled ? 1 : 0;
        waiting += standing.waiting ? 1 : 0;
        if (session.json) {
            out << apps::JsonLine()
                       .text("service_number", standing.entry.service_number)
                       .text("device", standing.entry.device.hex())
                       .text("state", standing.enrolled    ? "enrolled"
                                      : standing.waiting   ? "waiting"
                                      : standing.elsewhere ? "superseded"
                                                           : "failed")
                       .text("text", standing.text)
                       .number("refused_tries", standing.device == nullptr ? 0 : standing.device->refused_tries())
                       .text("last_refusal", standing.device == nullptr || standing.device->refused_tries() == 0
                                                 ? ""
                                                 : melder::name_of(static_cast<Errc>(standing.device->last_refusal())))
                       .str()
                << "\n";
        } else if (!standing.enrolled || standing.device->refused_tries() != 0) {
            out << standing.entry.service_number << "  " << standing.entry.device.hex() << "  " << standing.text
                << "\n";
        }
    }
    if (!session.json) {
        const auto failed = standings.rows.size() - enrolled - waiting - elsewhere;
        out << enrolled << " enrolled, " << waiting << " waiting, " << failed << " failed";
        if (elsewhere > 0) out << ", " << elsewhere << " with a newer code";
        out << "\n";
        if (failed > 0)
            out << "melder-admin codes reissue " << options.file << " --out NAME makes new codes for who failed\n";
    }
    return ok();
}

Result<void> reissue_batch(Session& session, const BatchOptions& options, std::ostream& out) {
    MELDER_TRY(const auto standings, fetch_standings(session, options.file));
    std::vector<std::string> open;
    for (const auto& standing : standings.rows) {
        if (standing.enrolled || standing.elsewhere || (standing.waiting && !options.waiting_too)) continue;
        open.push_back(standing.entry.service_number);
    }
    if (open.empty()) {
        if (session.json) {
            out << apps::JsonLine().number("issued", 0).str() << "\n";
        } else {
            out << "nothing is open: everybody is enrolled or has a code that works\n";
        }
        return ok();
    }
    return issue_for(session, open, options, out);
}

}  // namespace melder::admin
