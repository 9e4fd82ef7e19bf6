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
#include "apps/qr_code.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/sign_commands.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

struct Files {
    std::string batch, mdm, parts, qr;
    explicit Files(const std::string& name)
        : batch(name + ".batch"), mdm(name + ".mdm.csv"), parts(name + ".parts"), qr(name + ".qr") {}
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
    if (options.qr) MELDER_CHECK(make_private_directory(files.qr));
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
        if (options.qr) MELDER_CHECK(write_qr(files.qr, wanted.service_number, device, code.expose()));
        entries.push_back({wanted.service_number, device});
        documents.push_back(std::move(document));
    }
    MELDER_CHECK(write_new_file(files.mdm, view(mdm), 0600));
    if (!parts.empty()) MELDER_CHECK(write_new_file(files.parts, view(parts), 0600));
    MELDER_CHECK(write_new_file(files.batch, view(encode_batch(entries)), 0600));
    if (!options.sign_request.empty()) {
        SignRequest request_file;
        for (auto& document : documents)
            request_file.items.push_back({.context = Context::grant, .document = std::move(document)});
        return write_sign_request(session, options.sign_request, request_file, out);
    }
    if (silent) {  // nobody answered the server's pings meanwhile
        MELDER_TRY(session.link, session.reopen(session.key));
    }
    MELDER_CHECK(put_grants(*session.link, documents,
                            "what was not entered is open in `codes status` and comes again with `codes reissue`"));
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
    std::string_view text;
};

Standing standing_of(const BatchEntry& entry, const wire::DeviceEntry* device) {
    const auto failed = [&](std::string_view why) { return Standing{entry, false, false, why}; };
    if (device == nullptr) return failed("failed: the server never took it");
    switch (device->state()) {
        case wire::DEVICE_STATE_ACTIVE:
            return {entry, true, false, "enrolled"};
        case wire::DEVICE_STATE_WAITING:
            return {entry, false, true, "waiting"};
        case wire::DEVICE_STATE_EXPIRED:
            return failed(device->bound_at_s() != 0 ? "failed: the device's grant is over"
                                                    : "failed: the code expired");
        case wire::DEVICE_STATE_SUSPENDED:
            return failed("failed: suspended");
        case wire::DEVICE_STATE_REVOKED:
            return failed("failed: revoked");
        case wire::DEVICE_STATE_REPLACED:
            return failed("failed: replaced by another device");
        default:
            return failed("failed: in a state this version does not know");
    }
}

Result<std::vector<Standing>> fetch_standings(Session& session, const std::string& file) {
    MELDER_TRY(const auto bytes, read_file(file));
    const auto entries = parse_batch(as_chars(bytes.expose()));
    if (entries.has_error()) return Error(entries.error().code(), file + ", " + entries.error().detail());
    MELDER_TRY(auto fetched, fetch_devices(*session.link, {}));
    std::map<std::string, wire::DeviceEntry> devices;
    for (auto& device : fetched)
        devices.emplace(device.enrolment_id(), std::move(device));
    std::vector<Standing> out;
    for (const auto& entry : *entries) {
        const auto found = devices.find(entry.device.string());
        out.push_back(standing_of(entry, found == devices.end() ? nullptr : &found->second));
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
    for (const auto& standing : standings) {
        enrolled += standing.enrolled ? 1 : 0;
        waiting += standing.waiting ? 1 : 0;
        if (session.json) {
            out << apps::JsonLine()
                       .text("service_number", standing.entry.service_number)
                       .text("device", standing.entry.device.hex())
                       .text("state", standing.text)
                       .str()
                << "\n";
        } else if (!standing.enrolled) {
            out << standing.entry.service_number << "  " << standing.entry.device.hex() << "  " << standing.text
                << "\n";
        }
    }
    if (!session.json) {
        out << enrolled << " enrolled, " << waiting << " waiting, " << standings.size() - enrolled - waiting
            << " failed\n";
    }
    return ok();
}

Result<void> reissue_batch(Session& session, const BatchOptions& options, std::ostream& out) {
    MELDER_TRY(const auto standings, fetch_standings(session, options.file));
    std::vector<std::string> open;
    for (const auto& standing : standings) {
        if (!standing.enrolled && !standing.waiting) open.push_back(standing.entry.service_number);
    }
    if (open.empty()) {
        if (!session.json) out << "nothing is open: everybody is enrolled or has a code that works\n";
        return ok();
    }
    return issue_for(session, open, options, out);
}

}  // namespace melder::admin
