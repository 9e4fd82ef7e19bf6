#include "apps/melder-admin/trust_commands.hpp"

#include "apps/json.hpp"
#include "apps/melder-admin/ceremony.hpp"
#include "apps/melder-admin/confirm.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/trust_plan.hpp"
#include "apps/melder-admin/words.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr unsigned public_mode = 0644;

Error in_file(const std::string& file, const Error& error) {
    return {error.code(), file + (error.detail().empty() ? "" : ": " + error.detail())};
}

template <class T, class Parse>
Result<std::vector<T>> parse_files(const std::vector<std::string>& files, Parse parse) {
    std::vector<T> out;
    for (const auto& file : files) {
        MELDER_TRY(const auto bytes, read_file(file));
        auto parsed = parse(as_chars(bytes.expose()));
        if (parsed.has_error()) return in_file(file, parsed.error());
        out.push_back(std::move(*parsed));
    }
    return out;
}

Result<std::shared_ptr<const TrustList>> load_list(const std::string& file, const RootSet& roots) {
    MELDER_TRY(const auto bytes, read_file(file, limits::trust_list_bytes));
    const auto document = SignedBytes::parse(bytes.expose());
    if (document.has_error()) return Error(Errc::malformed, file + " is no signed trust list");
    auto list = TrustList::verify(*document, roots);
    if (list.has_error()) return in_file(file, list.error());
    return std::shared_ptr<const TrustList>(std::make_shared<TrustList>(std::move(*list)));
}

struct Draft {
    RootSet roots;
    std::shared_ptr<const TrustList> previous;
    ListDraft draft;
    TrustList::Fields fields;
};

Result<Draft> load_draft(const Home& home, const TrustSignOptions& options) {
    Draft out;
    MELDER_TRY(out.roots, home.load_root_set());
    out.draft.now = system_clock().wall();
    MELDER_TRY(out.draft.valid, parse_duration(options.valid));
    MELDER_TRY(out.draft.servers, parse_files<SetupRequest>(options.requests, SetupRequest::parse));
    MELDER_TRY(out.draft.admins, parse_files<AdminKey>(options.admins, parse_admin_public));
    for (const auto& text : options.retired) {
        MELDER_TRY(auto retirement, parse_retirement(text));
        out.draft.retired.push_back(std::move(retirement));
    }
    for (const auto& text : options.distrusted) {
        MELDER_TRY(auto key, parse_beginning(text, "--distrust"));
        out.draft.distrusted.push_back(std::move(key));
    }
    for (const auto& text : options.dropped_pins) {
        MELDER_TRY(auto pin, parse_beginning(text, "--drop-pin"));
        out.draft.dropped_pins.push_back(std::move(pin));
    }
    if (options.previous.empty()) {
        MELDER_TRY(out.previous, home.load_newest_signed(out.roots));
    } else {
        MELDER_TRY(out.previous, load_list(options.previous, out.roots));
    }
    out.draft.previous = out.previous.get();
    MELDER_TRY(out.fields, draft_list(out.draft, out.roots));
    MELDER_CHECK(TrustList::encode(out.fields));
    return out;
}

void print_plan(const TrustList* before, const TrustList::Fields& after, bool json, std::ostream& out) {
    for (const auto& line : plan_list(before == nullptr ? nullptr : &before->fields(), after)) {
        if (json) {
            out << apps::JsonLine()
                       .text("change", line.change)
                       .text("subject", line.subject)
                       .text("text", line.text.substr(line.text.find_first_not_of(' ')))
                       .number("warning", line.warning ? 1 : 0)
                       .str()
                << "\n";
        } else {
            out << line.text << "\n";
        }
    }
}

std::string_view name_of(KeyState state) {
    return state == KeyState::active ? "active" : state == KeyState::retired ? "retired" : "distrusted";
}

std::string_view name_of(ServerRole role) {
    return role == ServerRole::relay ? "relay" : "keyserver";
}

void show_json(const TrustList& list, std::ostream& out) {
    const auto& fields = list.fields();
    out << apps::JsonLine()
               .number("version", list.version())
               .text("sha256", list.hash().hex())
               .number("root_set_version", fields.root_set_version)
               .number("issued_at_s", static_cast<std::uint64_t>(fields.issued_at.seconds()))
               .number("not_after_s", static_cast<std::uint64_t>(fields.not_after.seconds()))
               .number("wipe_quorum", fields.wipe_quorum)
               .str()
        << "\n";
    for (const auto& admin : fields.admin_keys) {
        out << apps::JsonLine()
                   .text("admin_key", key_id_of(admin.key).hex())
                   .text("rights", rights_text(admin.rights))
                   .text("state", name_of(admin.state))
                   .number("retired_at_log_size", admin.retired_at_log_size)
                   .str()
            << "\n";
    }
    for (const auto& pin : fields.pins)
        out << apps::JsonLine().text("pin", pin.spki.hex()).text("role", name_of(pin.role)).str() << "\n";
    for (const auto& key : fields.statement_keys)
        out << apps::JsonLine().text("statement_key", key.hex()).str() << "\n";
}

}  // namespace

Result<void> trust_plan(const Home& home, const TrustSignOptions& options, std::ostream& out) {
    MELDER_TRY(const auto draft, load_draft(home, options));
    print_plan(draft.previous.get(), draft.fields, options.json, out);
    return ok();
}

Result<void> trust_sign(const Home& home, const TrustSignOptions& options, const PassphraseSource& source,
                        std::ostream& out) {
    MELDER_TRY(const auto draft, load_draft(home, options));
    print_plan(draft.previous.get(), draft.fields, options.json, out);
    if (draft.previous != nullptr)
        MELDER_CHECK(confirm("Sign trust list " + std::to_string(draft.fields.version) + "?", options.yes));
    auto files = options.root_keys;
    if (files.empty()) files.push_back(home.file("root-working.key").string());
    std::vector<Ed25519Seed> keys;
    for (const auto& file : files) {
        MELDER_TRY(const auto passphrase, read_passphrase(source, "Passphrase of " + file, false));
        MELDER_TRY(auto key, load_key(file, passphrase));
        keys.push_back(std::move(key));
    }
    const auto document = sign_trust_list(draft.draft, draft.roots, keys);
    if (document.has_error() && document.error() == Errc::unknown_signer)
        return Error(Errc::not_allowed, files.front() + " is no key of the root set in " + home.file("").string());
    if (document.has_error() && document.error() == Errc::needs_more_signatures) {
        return Error(Errc::not_allowed, "the root set asks for " + std::to_string(draft.roots.threshold) +
                                            " root keys; name each with --root-key");
    }
    MELDER_CHECK(document);
    // A later list is not this machine's truth before it is published: clients offer the newest list they know.
    const bool first = draft.previous == nullptr || draft.previous->fields().root_set_version != draft.roots.version;
    const auto target = !options.out.empty() ? std::filesystem::path(options.out)
                                             : home.file(first ? "trust-list" : "trust-list-signed");
    MELDER_TRY(const auto list, TrustList::verify(*document, draft.roots));
    MELDER_CHECK(replace_file(target, document->encode(), public_mode));
    MELDER_CHECK(replace_file(home.file("trust-list-signed"), document->encode(), public_mode));
    if (first) MELDER_CHECK(home.save_trust_list(list));
    if (options.json) {
        out << apps::JsonLine()
                   .text("change", "signed")
                   .number("version", list.version())
                   .text("sha256", list.hash().hex())
                   .text("file", target.string())
                   .str()
            << "\n";
        return ok();
    }
    out << "trust list " << list.version() << ": " << list.fields().admin_keys.size() << " administrator keys, "
        << list.fields().pins.size() << " pins, in " << target.string() << "\n";
    if (!first) {
        out << "It counts once `trust publish " << target.string() << "` entered it.\n";
    } else if (draft.previous != nullptr) {
        out << "It is the first under root set " << draft.roots.version
            << ": put it and the root set into the server's directory and start the server again.\n";
    }
    return ok();
}

Result<void> trust_show(const Home& home, const std::string& file, bool json, std::ostream& out) {
    MELDER_TRY(const auto roots, home.load_root_set());
    std::shared_ptr<const TrustList> list;
    if (file.empty()) {
        MELDER_TRY(list, home.load_trust_list(roots));
        if (list == nullptr)
            return Error(Errc::not_found, "no trust list was seen yet; sign one with `trust sign`, or name a file");
    } else {
        MELDER_TRY(list, load_list(file, roots));
    }
    if (json) {
        show_json(*list, out);
        return ok();
    }
    const auto& fields = list->fields();
    out << "trust list    " << list->version() << "  " << list->hash().hex() << "\nroot set      "
        << fields.root_set_version << "\nissued        " << date_text(fields.issued_at) << "\nvalid until   "
        << date_text(fields.not_after) << ", " << days_until(fields.not_after, system_clock().wall()) << " days\n"
        << "wipe          takes " << fields.wipe_quorum << " keys\n";
    for (const auto& admin : fields.admin_keys) {
        out << "administrator " << short_hex(key_id_of(admin.key).hex()) << "  " << name_of(admin.state);
        if (admin.state == KeyState::retired) out << " at log size " << admin.retired_at_log_size;
        out << "  " << rights_text(admin.rights) << "\n";
    }
    for (const auto& pin : fields.pins)
        out << "server key    " << short_hex(pin.spki.hex()) << "  " << name_of(pin.role) << "\n";
    for (const auto& key : fields.statement_keys)
        out << "statement key " << short_hex(key.hex()) << "\n";
    return ok();
}

Result<void> trust_publish(Session& session, const std::string& named, const std::string& reason, std::ostream& out) {
    if (!reason.empty()) MELDER_CHECK(check_reason(reason));
    const auto file = named.empty() ? session.home.file("trust-list-signed").string() : named;
    MELDER_TRY(const auto roots, session.home.load_root_set());
    MELDER_TRY(const auto list, load_list(file, roots));
    const auto& in_force = session.link->trust();
    if (const auto follows = list->may_follow(in_force); follows.has_error()) {
        return Error(follows.error().code(), "the server has version " + std::to_string(in_force.version()) + ", " +
                                                 file + " is version " + std::to_string(list->version()) +
                                                 "; sign the next one on top of the list in force (`trust sign`)");
    }
    if (!list->has_pin(session.link->server_key())) {
        return Error(Errc::not_allowed,
                     "the server shows the key " + short_hex(session.link->server_key().hex()) + ", which " + file +
                         " does not pin: nobody could reach it any more, so nothing was changed. Let "
                         "the server show its next key first, or keep the pin");
    }
    print_plan(&in_force, list->fields(), session.json, out);
    if (!reason.empty())
        MELDER_CHECK(session.home.note_subject("trust-list", list->hash().hex(), system_clock().wall(), reason));
    wire::Frame request;
    *request.mutable_put_trust_list()->mutable_trust_list() = list->document().to_wire();
    MELDER_CHECK(session.link->ask(std::move(request), wire::Frame::kDone));
    MELDER_CHECK(session.home.save_trust_list(*list));
    if (session.json) {
        out << apps::JsonLine().text("change", "published").number("version", list->version()).str() << "\n";
    } else {
        out << "trust list " << list->version() << " is in force\n";
    }
    return ok();
}

}  // namespace melder::admin
