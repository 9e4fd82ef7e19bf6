#include "apps/melder-admin/sign_commands.hpp"

#include <algorithm>

#include "apps/json.hpp"
#include "apps/melder-admin/confirm.hpp"
#include "apps/melder-admin/directory.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/import_parts.hpp"
#include "apps/melder-admin/import_upload.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/words.hpp"

namespace melder::admin {
namespace {

constexpr std::size_t shown_at_most = 20;
constexpr std::size_t request_bytes_longest = 384u * 1024 * 1024;  // limits::import_bytes in hex, and its reasons

Result<SignRequest> load(const std::string& file) {
    MELDER_TRY(const auto bytes, read_file(file, request_bytes_longest));
    auto request = SignRequest::parse(as_chars(bytes.expose()));
    if (request.has_error()) return Error(request.error().code(), file + ", " + request.error().detail());
    return request;
}

void print(const std::vector<std::string>& words, std::size_t index, std::size_t count, bool json, std::ostream& out) {
    if (json) {
        apps::JsonLine line;
        line.number("index", index);
        std::string text;
        for (const auto& word : words)
            text += (text.empty() ? "" : "; ") + word;
        out << line.text("words", text).str() << "\n";
        return;
    }
    out << index << " of " << count << ": " << words.front() << "\n";
    for (std::size_t i = 1; i < words.size(); ++i)
        out << "    " << words[i] << "\n";
}

/// True if the server has this very document: it was submitted before.
bool is_in_force(const SignItem& item, const wire::TargetState& state) {
    const auto hash = item.document.body_hash().string();
    return item.context == Context::order ? state.last_sha256() == hash
                                          : state.grant().body() == to_string(item.document.body);
}

Result<EnrolmentId> device_of(const SignItem& item) {
    if (item.context == Context::order) {
        MELDER_TRY(const auto order, Order::parse(item.document.body));
        return order.target;
    }
    MELDER_TRY(const auto grant, Grant::parse(item.document.body));
    return grant.enrolment_id;
}

/// Documents that the server does not have yet.
Result<std::vector<SignItem>> still_open(Session& session, std::vector<SignItem> items) {
    std::vector<EnrolmentId> devices;
    bool grants = false;
    for (const auto& item : items) {
        MELDER_TRY(const auto device, device_of(item));
        devices.push_back(device);
        grants |= item.context == Context::grant;
    }
    std::vector<bool> known(items.size());
    MELDER_CHECK(fetch_order_states(*session.link, devices, grants,
                                    [&](std::size_t i, const wire::TargetState& state) -> Result<void> {
                                        known[i] = is_in_force(items[i], state);
                                        return ok();
                                    }));
    std::vector<SignItem> out;
    for (std::size_t i = 0; i < items.size(); ++i)
        if (!known[i]) out.push_back(std::move(items[i]));
    return out;
}

Result<std::uint64_t> check_planned(Session& session, const SignRequest::Import& import) {
    MELDER_TRY(const auto directory, fetch_directory(*session.link));
    if (digest_of(directory.force) == import.planned_against) return directory.version;
    return Error(
        Errc::out_of_order,
        "nothing was changed: the directory is not the one any more that this import was planned against; make "
        "the import again");
}

}  // namespace

Result<void> write_sign_request(const Session& session, const std::string& file, const SignRequest& request,
                                std::ostream& out) {
    MELDER_CHECK(write_new_file(file, view(request.encode()), 0600));
    if (session.json) {
        out << apps::JsonLine().text("sign_request", file).number("documents", request.items.size()).str() << "\n";
        return ok();
    }
    out << "nothing was sent: " << request.items.size() << (request.items.size() == 1 ? " document" : " documents")
        << " in " << file << ", signed by you. Next:\n"
        << "  1. the second administrator, also without a network: melder-admin sign " << file << " --key THEIR.key\n"
        << "  2. whoever has the file then:                        melder-admin submit " << file << "\n";
    return ok();
}

Result<void> sign_file(const SignOptions& options, const Ed25519Seed& key, std::ostream& out) {
    MELDER_TRY(auto request, load(options.file));
    for (std::size_t i = 0; i < request.items.size(); ++i) {
        // Each is checked, also those that are not shown.
        auto words = words_of(request.items[i]);
        if (words.has_error())
            return Error(words.error().code(),
                         options.file + ", document " + std::to_string(i + 1) + ": " +
                             (words.error().detail().empty() ? words.error().message() : words.error().detail()));
        auto added = add_signature(request.items[i], key);
        if (added.has_error()) return Error(Errc::not_allowed, added.error().detail());
        if (options.all || i < shown_at_most) print(*words, i + 1, request.items.size(), options.json, out);
    }
    if (request.import && !options.json)
        out << "the file also changes the directory, which nobody's signature covers: "
            << words_of(request.import->parts) << "\n";
    if (!options.all && request.items.size() > shown_at_most)
        out << "… and " << request.items.size() - shown_at_most << " more; --all prints each\n";
    MELDER_CHECK(
        confirm("Sign " + std::string(request.items.size() == 1 ? "this" : "all of these") + "?", options.yes));
    const auto target = options.out.empty() ? options.file : options.out;
    MELDER_CHECK(replace_file(target, view(request.encode()), 0600));
    if (options.json) {
        out << apps::JsonLine().text("signed", target).number("documents", request.items.size()).str() << "\n";
    } else {
        out << "signed. Next, where the server can be reached: melder-admin submit " << target << "\n";
    }
    return ok();
}

Result<void> submit_file(Session& session, const std::string& file, std::ostream& out) {
    MELDER_TRY(auto request, load(file));
    for (const auto& item : request.items) {
        if (item.document.signatures.size() < 2) {
            return Error(Errc::not_allowed, file +
                                                " carries one signature only; another administrator runs "
                                                "`melder-admin sign " +
                                                file + "` first");
        }
    }
    const auto all = request.items.size();
    MELDER_TRY(const auto items, still_open(session, std::move(request.items)));
    const auto known = all - items.size();
    wire::DirectoryCommitted entered;
    if (!items.empty()) {
        std::uint64_t version = 0;
        std::vector<wire::StageDirectory> parts;
        if (request.import) {
            MELDER_TRY(version, check_planned(session, *request.import));
            parts = std::move(request.import->parts);
        }
        for (const auto& item : items) {
            if (item.context != Context::order || item.reason.empty()) continue;
            MELDER_TRY(const auto order, Order::parse(item.document.body));
            MELDER_CHECK(session.home.note_order(order, item.reason_salt, item.reason));
        }
        MELDER_TRY(entered, enter_import(*session.link, std::move(parts), items, version));
    }
    if (session.json) {
        out << apps::JsonLine()
                   .number("orders", entered.orders())
                   .number("grants", entered.grants())
                   .number("known", known)
                   .number("directory", request.import && !items.empty() ? 1 : 0)
                   .str()
            << "\n";
        return ok();
    }
    out << entered.orders() << " orders and " << entered.grants() << " grants are in force";
    if (request.import && !items.empty()) out << ", and the import's units and officers";
    if (known > 0) out << "; " << known << " were before";
    out << "\n";
    return ok();
}

}  // namespace melder::admin
