#include "apps/melder-admin/ceremony.hpp"

#include <algorithm>
#include <charconv>

#include "apps/melder-admin/words.hpp"
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

/// The one key of the list whose id begins so.
Result<AdminKey*> find_key(TrustList::Fields& fields, const std::string& beginning, std::string_view option) {
    AdminKey* found = nullptr;
    for (auto& admin : fields.admin_keys) {
        if (!key_id_of(admin.key).hex().starts_with(beginning)) continue;
        if (found != nullptr) {
            return Error(Errc::bad_argument,
                         std::string(option) + " " + beginning + ": several keys begin so; give more digits");
        }
        found = &admin;
    }
    if (found == nullptr) {
        return Error(Errc::bad_argument, std::string(option) + " " + beginning +
                                             ": the list has no such key; `trust show` prints those it has");
    }
    return found;
}

Result<void> add_admin(TrustList::Fields& fields, const AdminKey& admin) {
    const auto known = std::ranges::find(fields.admin_keys, admin.key, &AdminKey::key);
    if (known == fields.admin_keys.end()) {
        fields.admin_keys.push_back(admin);
        return ok();
    }
    if (known->state != KeyState::active) {
        return Error(Errc::not_allowed, "administrator key " + short_hex(key_id_of(admin.key).hex()) +
                                            " was retired or is distrusted and does not come back; make a new one with "
                                            "`key create`");
    }
    known->rights = admin.rights;
    return ok();
}

Result<void> change_states(TrustList::Fields& fields, const ListDraft& draft) {
    for (const auto& retirement : draft.retired) {
        MELDER_TRY(auto* const admin, find_key(fields, retirement.key, "--retire"));
        if (admin->state == KeyState::distrusted)
            return Error(Errc::not_allowed, "--retire " + retirement.key + ": the key is distrusted, which is more");
        if (admin->state == KeyState::retired && retirement.log_size > admin->retired_at_log_size)
            return Error(Errc::not_allowed, "--retire " + retirement.key + ": the key is retired already, at " +
                                                std::to_string(admin->retired_at_log_size));
        admin->state = KeyState::retired;
        admin->retired_at_log_size = retirement.log_size;
    }
    for (const auto& key : draft.distrusted) {
        MELDER_TRY(auto* const admin, find_key(fields, key, "--distrust"));
        admin->state = KeyState::distrusted;
        admin->retired_at_log_size = 0;
    }
    return ok();
}

Result<void> drop_pins(TrustList::Fields& fields, const ListDraft& draft) {
    for (const auto& beginning : draft.dropped_pins) {
        const auto begins = [&](const TlsPin& pin) { return pin.spki.hex().starts_with(beginning); };
        const auto first = std::ranges::find_if(fields.pins, begins);
        if (first == fields.pins.end()) {
            return Error(Errc::bad_argument,
                         "--drop-pin " + beginning + ": the list has no such pin; `trust show` prints those it has");
        }
        const auto spki = first->spki;
        if (std::ranges::any_of(fields.pins, [&](const TlsPin& pin) { return begins(pin) && pin.spki != spki; }))
            return Error(Errc::bad_argument, "--drop-pin " + beginning + ": several pins begin so; give more digits");
        std::erase_if(fields.pins, begins);
    }
    for (const auto role : {ServerRole::relay, ServerRole::keyserver}) {
        if (!draft.dropped_pins.empty() && std::ranges::count(fields.pins, role, &TlsPin::role) < 2) {
            return Error(Errc::not_allowed,
                         std::string(role == ServerRole::relay ? "the relay" : "the keyserver") +
                             " would have fewer than two pins, a current and a next one; name the setup-request that "
                             "`melder-server keys next` wrote as well");
        }
    }
    return ok();
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

Result<Retirement> parse_retirement(std::string_view text) {
    const auto at = text.find('@');
    Retirement out;
    const auto size = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
    const auto parsed = std::from_chars(size.data(), size.data() + size.size(), out.log_size);
    if (size.empty() || parsed.ec != std::errc() || parsed.ptr != size.data() + size.size() || out.log_size == 0) {
        return Error(
            Errc::bad_argument,
            "--retire takes KEY@LOGSIZE, such as 4f0c12ab@1200: what the key signs from that log entry on does "
            "not count; `melder-admin status` prints the log's size");
    }
    MELDER_TRY(out.key, parse_beginning(text.substr(0, at), "--retire"));
    return out;
}

Result<TrustList::Fields> draft_list(const ListDraft& draft, const RootSet& roots) {
    auto fields = draft.previous == nullptr ? first_list() : draft.previous->fields();
    ++fields.version;
    fields.issued_at = draft.now;
    fields.not_after = draft.now + draft.valid;
    fields.root_set_version = roots.version;
    for (const auto& server : draft.servers)
        add_server(fields, server);
    for (const auto& admin : draft.admins)
        MELDER_CHECK(add_admin(fields, admin));
    MELDER_CHECK(change_states(fields, draft));
    MELDER_CHECK(drop_pins(fields, draft));
    return fields;
}

Result<SignedBytes> sign_trust_list(const ListDraft& draft, const RootSet& roots,
                                    const std::vector<Ed25519Seed>& keys) {
    MELDER_TRY(const auto fields, draft_list(draft, roots));
    SignedBytes document;
    MELDER_TRY(document.body, TrustList::encode(fields));
    for (const auto& key : keys)
        sign(document, Context::trust_list, key);
    MELDER_CHECK(TrustList::verify(document, roots));
    return document;
}

}  // namespace melder::admin
