#include "apps/melder-admin/sign_commands.hpp"

#include <algorithm>

#include "apps/json.hpp"
#include "apps/melder-admin/confirm.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/words.hpp"

namespace melder::admin {
namespace {

constexpr std::size_t shown_at_most = 20;
constexpr std::size_t request_bytes_longest = 128u * 1024 * 1024;  // 50,000 grants

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

/// True if the target's newest order is this one: it was submitted before.
Result<bool> is_in_force(AdminLink& link, const SignItem& item) {
    MELDER_TRY(const auto order, Order::parse(item.document.body));
    wire::Frame ask;
    ask.mutable_fetch_order_state()->set_target(order.target.string());
    MELDER_TRY(const auto reply, link.ask(std::move(ask), wire::Frame::kOrderState));
    return reply.order_state().last_sha256() == item.document.body_hash().string();
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
    MELDER_TRY(const auto request, load(file));
    std::vector<SignedBytes> orders;
    std::vector<SignedBytes> grants;
    std::size_t known = 0;
    for (const auto& item : request.items) {
        if (item.document.signatures.size() < 2) {
            return Error(Errc::not_allowed, file +
                                                " carries one signature only; another administrator runs "
                                                "`melder-admin sign " +
                                                file + "` first");
        }
        if (item.context == Context::grant) {
            grants.push_back(item.document);
            continue;
        }
        MELDER_TRY(const bool in_force, is_in_force(*session.link, item));
        if (in_force) {
            ++known;
        } else {
            orders.push_back(item.document);
            MELDER_TRY(const auto order, Order::parse(item.document.body));
            if (!item.reason.empty()) MELDER_CHECK(session.home.note_order(order, item.reason_salt, item.reason));
        }
    }
    MELDER_CHECK(put_orders(*session.link, orders));
    MELDER_CHECK(put_grants(*session.link, grants, "what was entered before stays; submit the file again"));
    if (session.json) {
        out << apps::JsonLine()
                   .number("orders", orders.size())
                   .number("orders_known", known)
                   .number("grants", grants.size())
                   .str()
            << "\n";
        return ok();
    }
    out << orders.size() << " orders and " << grants.size() << " grants are in force";
    if (known > 0) out << "; " << known << " were before";
    out << "\n";
    return ok();
}

}  // namespace melder::admin
