#include "apps/melder-admin/ceremony.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr std::string_view first_line = "melder-admin-key 1";

std::uint32_t seconds(Millis d) {
    return static_cast<std::uint32_t>(d.count() / 1000);
}

/// Takes the text up to the next line break off the front.
std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return line;
}

TrustList::Fields first_list() {
    TrustList::Fields fields;
    fields.longest_retention_s = seconds(limits::ttl_longest);
    fields.longest_lease_s = seconds(std::chrono::hours(72));
    fields.longest_history_s = seconds(std::chrono::hours(24 * 7));
    fields.longest_code_validity_s = seconds(limits::code_validity_longest);
    return fields;
}

void add_server(TrustList::Fields& fields, const SetupRequest& server) {
    for (const auto& key : server.statement_keys) {
        if (std::ranges::find(fields.statement_keys, key) == fields.statement_keys.end())
            fields.statement_keys.push_back(key);
    }
    for (const auto& pin : server.pins) {
        const auto same = [&](const TlsPin& other) { return other.spki == pin.spki && other.role == pin.role; };
        if (std::ranges::none_of(fields.pins, same)) fields.pins.push_back(pin);
    }
}

}  // namespace

Result<RootKeys> make_root_keys(std::uint32_t threshold, Random& random) {
    if (threshold < 1 || threshold > 2)
        return Error(Errc::bad_argument, "the threshold is 1 or 2 of the two root keys");
    RootKeys out;
    out.working = random.secret<Ed25519Seed>();
    out.reserve = random.secret<Ed25519Seed>();
    out.set.threshold = threshold;
    out.set.keys = {ed25519_public_of(out.working), ed25519_public_of(out.reserve)};
    return out;
}

Result<std::vector<Right>> parse_rights(std::string_view text) {
    std::vector<Right> rights;
    while (!text.empty()) {
        const auto end = text.find(',');
        const auto right = parse_right(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (right.has_error() || std::ranges::find(rights, *right) != rights.end()) {
            return Error(Errc::bad_argument,
                         "rights are a list out of enrol,directory,leaders,revoke,wipe,helpdesk, each once");
        }
        rights.push_back(*right);
    }
    if (rights.empty()) return Error(Errc::bad_argument, "an administrator key needs at least one right");
    return rights;
}

std::string rights_text(const std::vector<Right>& rights) {
    std::string text;
    for (const auto right : rights) {
        if (!text.empty()) text += ',';
        text += name_of(right);
    }
    return text;
}

std::string encode_admin_public(const AdminKey& key) {
    return std::string(first_line) + "\nkey " + key.key.hex() + "\nrights " + rights_text(key.rights) + "\n";
}

Result<AdminKey> parse_admin_public(std::string_view text) {
    const auto header = take_line(text);
    const auto key = take_line(text);
    const auto rights = take_line(text);
    if (header != first_line || !key.starts_with("key ") || !rights.starts_with("rights ") || !text.empty()) {
        return Error(Errc::malformed, "this is no public half of an administrator key");
    }
    AdminKey out;
    MELDER_TRY(out.key, Ed25519Public::from_hex(key.substr(4)));
    MELDER_TRY(out.rights, parse_rights(rights.substr(7)));
    return out;
}

Result<SignedBytes> sign_trust_list(const ListDraft& draft, const RootSet& roots,
                                    const std::vector<Ed25519Seed>& keys) {
    auto fields = draft.previous == nullptr ? first_list() : draft.previous->fields();
    ++fields.version;
    fields.issued_at = draft.now;
    fields.not_after = draft.now + draft.valid;
    fields.root_set_version = roots.version;
    for (const auto& server : draft.servers)
        add_server(fields, server);
    for (const auto& admin : draft.admins) {
        std::erase_if(fields.admin_keys, [&](const AdminKey& other) { return other.key == admin.key; });
        fields.admin_keys.push_back(admin);
    }
    SignedBytes document;
    MELDER_TRY(document.body, TrustList::encode(fields));
    for (const auto& key : keys)
        sign(document, Context::trust_list, key);
    MELDER_CHECK(TrustList::verify(document, roots));
    return document;
}

}  // namespace melder::admin
