#include "core/trust_list.hpp"

#include <set>
#include <unordered_set>

#include "core/limits.hpp"
#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {

namespace {

constexpr std::pair<Right, std::string_view> right_names[] = {
    {Right::enrol, "enrol"},   {Right::directory, "directory"}, {Right::leaders, "leaders"},
    {Right::revoke, "revoke"}, {Right::wipe, "wipe"},           {Right::helpdesk, "helpdesk"},
};

Error refuse(const char* why) {
    return Error(Errc::malformed, std::string(why));
}

/// `threshold` of the root keys signed it.
Result<void> verify_by_roots(const SignedBytes& document, Context context, const RootSet& roots) {
    std::size_t good = 0;
    for (const auto& key : roots.keys) {
        const auto verified = verify(document, context, key);
        if (verified.has_value()) {
            ++good;
        } else if (verified.error().code() != Errc::unknown_signer) {
            return verified.error();
        }
    }
    if (good >= roots.threshold) return ok();
    return good == 0 ? Errc::unknown_signer : Errc::needs_more_signatures;
}

template <class T, class Projection>
bool has_duplicates(const std::vector<T>& values, Projection projection) {
    std::set<std::remove_cvref_t<std::invoke_result_t<Projection, const T&>>> seen;
    return !std::ranges::all_of(values,
                                [&](const T& value) { return seen.insert(std::invoke(projection, value)).second; });
}

bool longer(std::uint32_t seconds, std::chrono::seconds longest) {
    return std::chrono::seconds(seconds) > longest;
}

Result<void> check(const TrustList::Fields& f) {
    if (f.version == 0) return refuse("a trust list's version starts at 1");
    if (!fits_the_wire(f.issued_at) || !fits_the_wire(f.not_after) || f.not_after <= f.issued_at) {
        return refuse("a trust list ends after it was issued");
    }
    if (f.admin_keys.size() > limits::admin_keys) return refuse("too many administrator keys");
    if (has_duplicates(f.admin_keys, &AdminKey::key)) return refuse("an administrator key stands there twice");
    for (const auto& admin : f.admin_keys) {
        if (has_duplicates(admin.rights, std::identity())) return refuse("a right stands there twice");
    }
    if (f.wipe_quorum < 2 || f.wipe_quorum > limits::signatures_per_document)
        return refuse("a wipe takes 2 to 16 keys");
    if (f.statement_keys.empty() || f.statement_keys.size() > limits::statement_keys) {
        return refuse("there are 1 to 8 statement keys");
    }
    if (has_duplicates(f.statement_keys, std::identity())) return refuse("a statement key stands there twice");
    if (f.pins.size() > limits::tls_pins) return refuse("too many pins");
    if (has_duplicates(f.pins, [](const TlsPin& pin) { return std::pair(pin.spki, pin.role); })) {
        return refuse("a pin stands there twice");
    }
    for (const auto role : {ServerRole::relay, ServerRole::keyserver}) {
        if (std::ranges::count(f.pins, role, &TlsPin::role) < 2) return refuse("each server role has two pins");
    }
    if (f.lowest_suite == 0 || f.lowest_protocol == 0) return refuse("suites and protocols are counted from 1");
    if (f.root_set_version == 0) return refuse("a root set's version starts at 1");
    if (longer(f.longest_retention_s, limits::ttl_longest) || longer(f.longest_lease_s, limits::lease_longest) ||
        longer(f.longest_history_s, limits::history_longest) ||
        longer(f.longest_code_validity_s, limits::code_validity_longest)) {
        return refuse("a limit exceeds the protocol's own");
    }
    return ok();
}

Result<AdminKey> parse_admin(const wire::AdminKey& message) {
    AdminKey out;
    MELDER_TRY(out.key, Ed25519Public::from(message.public_key()));
    for (const int right : message.rights()) {
        if (right < 1 || right > 6) return refuse("there is no such right");
        out.rights.push_back(static_cast<Right>(right));
    }
    if (message.state() < 0 || message.state() > 2) return refuse("there is no such key state");
    out.state = static_cast<KeyState>(message.state());
    out.retired_at_log_size = message.retired_at_log_size();
    return out;
}

Result<TrustList::Fields> parse_fields(BytesView body) {
    wire::TrustList message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return Errc::malformed;
    TrustList::Fields out;
    out.version = message.version();
    MELDER_TRY(out.issued_at, time_from_s(message.issued_at_s()));
    MELDER_TRY(out.not_after, time_from_s(message.not_after_s()));
    for (const auto& admin : message.admin_keys()) {
        MELDER_TRY(auto parsed, parse_admin(admin));
        out.admin_keys.push_back(std::move(parsed));
    }
    out.wipe_quorum = message.wipe_quorum();
    for (const auto& key : message.statement_keys()) {
        MELDER_TRY(const auto parsed, Ed25519Public::from(key));
        out.statement_keys.push_back(parsed);
    }
    for (const auto& pin : message.pins()) {
        MELDER_TRY(const auto spki, Hash::from(pin.spki_sha256()));
        if (pin.role() < 1 || pin.role() > 2) return refuse("there is no such server role");
        out.pins.push_back({spki, static_cast<ServerRole>(pin.role())});
    }
    out.lowest_suite = message.lowest_suite();
    out.longest_retention_s = message.longest_retention_s();
    out.longest_lease_s = message.longest_lease_s();
    out.longest_history_s = message.longest_history_s();
    out.longest_code_validity_s = message.longest_code_validity_s();
    out.lowest_protocol = message.lowest_protocol();
    out.root_set_version = message.root_set_version();
    MELDER_CHECK(check(out));
    return out;
}

}  // namespace

std::string_view name_of(Right right) noexcept {
    const auto found = std::ranges::find(right_names, right, &std::pair<Right, std::string_view>::first);
    return found == std::end(right_names) ? "unknown_right" : found->second;
}

Result<Right> parse_right(std::string_view name) {
    const auto found = std::ranges::find(right_names, name, &std::pair<Right, std::string_view>::second);
    if (found == std::end(right_names)) return Error(Errc::bad_argument, "there is no such right");
    return found->first;
}

bool AdminKey::has(Right right) const {
    return std::ranges::find(rights, right) != rights.end();
}

// ---- root set -----------------------------------------------------------------------------------------------------

Result<RootSet> RootSet::parse(BytesView body) {
    wire::RootSet message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return Errc::malformed;
    RootSet out;
    out.version = message.version();
    out.threshold = message.threshold();
    for (const auto& key : message.keys()) {
        MELDER_TRY(const auto parsed, Ed25519Public::from(key));
        out.keys.push_back(parsed);
    }
    if (!message.previous_sha256().empty()) {
        MELDER_TRY(out.previous, Hash::from(message.previous_sha256()));
    }
    if (out.version == 0) return refuse("a root set's version starts at 1");
    if ((out.version == 1) == out.previous.has_value())
        return refuse("every root set but the first names its predecessor");
    if (out.keys.empty() || out.keys.size() > limits::root_keys) return refuse("a root set has 1 to 16 keys");
    if (has_duplicates(out.keys, std::identity())) return refuse("a root key stands there twice");
    if (out.threshold == 0 || out.threshold > out.keys.size()) return refuse("the threshold does not fit the keys");
    return out;
}

Bytes RootSet::encode() const {
    wire::RootSet message;
    message.set_version(version);
    message.set_threshold(threshold);
    for (const auto& key : keys)
        message.add_keys(key.string());
    if (previous) message.set_previous_sha256(previous->string());
    return to_bytes(view(message.SerializeAsString()));
}

Result<void> RootSet::verify_successor(const SignedBytes& successor) const {
    MELDER_CHECK(verify_by_roots(successor, Context::root_set, *this));
    MELDER_TRY(const auto next, parse(successor.body));
    if (next.version != version + 1 || next.previous != sha256(encode())) {
        return refuse("the root set does not follow this one");
    }
    return ok();
}

// ---- trust list ---------------------------------------------------------------------------------------------------

Result<TrustList> TrustList::verify(const SignedBytes& document, const RootSet& roots) {
    if (document.encode().size() > limits::trust_list_bytes) return Errc::too_large;
    MELDER_CHECK(verify_by_roots(document, Context::trust_list, roots));
    TrustList out;
    MELDER_TRY(auto fields, parse_fields(document.body));
    out.set_fields(std::move(fields));
    if (out.fields_.root_set_version != roots.version) return refuse("the trust list belongs to another root set");
    out.document_ = document;
    return out;
}

Result<TrustList> TrustList::verify_kept(const SignedBytes& document, const RootSet& roots) {
    auto verified = verify(document, roots);
    if (!verified.has_error()) return verified;
    TrustList out;
    MELDER_TRY(auto fields, parse_fields(document.body));
    out.set_fields(std::move(fields));
    if (out.fields_.root_set_version >= roots.version) return verified;
    out.document_ = document;
    return out;
}

Result<Bytes> TrustList::encode(const Fields& fields) {
    MELDER_CHECK(check(fields));
    wire::TrustList message;
    message.set_version(fields.version);
    message.set_issued_at_s(seconds_on_wire(fields.issued_at));
    message.set_not_after_s(seconds_on_wire(fields.not_after));
    for (const auto& admin : fields.admin_keys) {
        auto* added = message.add_admin_keys();
        added->set_public_key(admin.key.string());
        for (const auto right : admin.rights)
            added->add_rights(static_cast<wire::Right>(right));
        added->set_state(static_cast<wire::KeyState>(admin.state));
        added->set_retired_at_log_size(admin.retired_at_log_size);
    }
    message.set_wipe_quorum(fields.wipe_quorum);
    for (const auto& key : fields.statement_keys)
        message.add_statement_keys(key.string());
    for (const auto& pin : fields.pins) {
        auto* added = message.add_pins();
        added->set_spki_sha256(pin.spki.string());
        added->set_role(static_cast<wire::ServerRole>(pin.role));
    }
    message.set_lowest_suite(fields.lowest_suite);
    message.set_longest_retention_s(fields.longest_retention_s);
    message.set_longest_lease_s(fields.longest_lease_s);
    message.set_longest_history_s(fields.longest_history_s);
    message.set_longest_code_validity_s(fields.longest_code_validity_s);
    message.set_lowest_protocol(fields.lowest_protocol);
    message.set_root_set_version(fields.root_set_version);
    auto body = to_bytes(view(message.SerializeAsString()));
    if (body.size() > limits::trust_list_bytes) return Errc::too_large;
    return body;
}

Result<void> TrustList::may_follow(const TrustList& current) const {
    if (version() < current.version()) return Errc::trust_list_too_old;
    if (version() == current.version() && document_.body != current.document_.body) return Errc::trust_list_conflict;
    return ok();
}

bool TrustList::in_grace(UnixTime now) const {
    return expired(now) && now <= fields_.not_after + Millis(limits::trust_list_grace);
}

bool TrustList::has_pin(const Hash& spki, ServerRole role) const {
    return std::ranges::any_of(fields_.pins, [&](const TlsPin& pin) { return pin.spki == spki && pin.role == role; });
}

bool TrustList::has_pin(const Hash& spki) const {
    return std::ranges::find(fields_.pins, spki, &TlsPin::spki) != fields_.pins.end();
}

const AdminKey* TrustList::find_admin(const KeyId& id) const {
    const auto found = std::ranges::find(admin_ids_, id);
    return found == admin_ids_.end() ? nullptr
                                     : &fields_.admin_keys[static_cast<std::size_t>(found - admin_ids_.begin())];
}

void TrustList::set_fields(Fields fields) {
    fields_ = std::move(fields);
    admin_ids_.clear();
    for (const auto& admin : fields_.admin_keys)
        admin_ids_.push_back(key_id_of(admin.key));
}

/// Hashes of key, signature and what it signs. Only what verified stands here.
class TrustList::Memory {
public:
    [[nodiscard]] bool knows(const Hash& hash) const { return good_.contains(hash); }
    void add(const Hash& hash) {
        if (good_.size() == most) good_.clear();
        good_.insert(hash);
    }

private:
    static constexpr std::size_t most = 4096;  ///< a message of 128 KiB holds fewer signatures
    std::unordered_set<Hash> good_;
};

TrustList TrustList::remembering() const {
    auto out = *this;
    out.memory_ = std::make_shared<Memory>();
    return out;
}

Result<void> TrustList::verify_one(const AdminKey& admin, BytesView input, BytesView signature) const {
    if (!memory_) return verify_ed25519(admin.key, input, signature);
    const auto hash = sha256({admin.key.view(), signature, input});
    if (memory_->knows(hash)) return ok();
    MELDER_CHECK(verify_ed25519(admin.key, input, signature));
    memory_->add(hash);
    return ok();
}

Result<void> TrustList::verify_signature(const SignedBytes& document, Context context, const AdminKey& admin) const {
    const auto id = key_id_of(admin.key);
    const auto found = std::ranges::find(document.signatures, id, &SignedBytes::Signature::key_id);
    if (found == document.signatures.end()) return Errc::unknown_signer;
    return verify_one(admin, signing_input(context, document.body), found->signature);
}

Result<void> TrustList::verify_by_admins(const SignedBytes& document, Context context, Right right, std::size_t quorum,
                                         std::uint64_t log_size) const {
    const auto counts = [&](const AdminKey& admin) {
        return admin.state == KeyState::active ||
               (admin.state == KeyState::retired && log_size < admin.retired_at_log_size);
    };
    const auto input = signing_input(context, document.body);
    std::set<KeyId> good;  // SignedBytes built by hand may repeat a signer; one key still counts once
    bool lacks_right = false;
    for (const auto& signature : document.signatures) {
        const auto* admin = find_admin(signature.key_id);
        if (admin == nullptr || !counts(*admin)) continue;
        MELDER_CHECK(verify_one(*admin, input, signature.signature));
        if (admin->has(right) && right != Right::helpdesk) {
            good.insert(signature.key_id);
        } else {
            lacks_right = true;
        }
    }
    if (!good.empty() && good.size() >= quorum) return ok();
    if (!good.empty()) return Errc::needs_more_signatures;
    return lacks_right ? Errc::missing_right : Errc::unknown_signer;
}

bool TrustList::distrusts_any() const {
    return std::ranges::any_of(fields_.admin_keys,
                               [](const AdminKey& admin) { return admin.state == KeyState::distrusted; });
}

TrustList TrustList::before_distrust() const {
    auto out = *this;
    for (auto& admin : out.fields_.admin_keys)
        if (admin.state == KeyState::distrusted) admin.state = KeyState::active;
    return out;
}

bool TrustList::judges_like(const TrustList& former) const {
    return std::ranges::all_of(former.fields_.admin_keys, [&](const AdminKey& before) {
        const auto same = std::ranges::find(fields_.admin_keys, before.key, &AdminKey::key);
        return same != fields_.admin_keys.end() && same->rights == before.rights && same->state == before.state &&
               same->retired_at_log_size == before.retired_at_log_size;
    });
}

Result<void> TrustList::verify_by_statement_key(const SignedBytes& document, Context context) const {
    for (const auto& key : fields_.statement_keys) {
        const auto verified = melder::verify(document, context, key);
        if (verified.has_value()) return ok();
        if (verified.error().code() != Errc::unknown_signer) return verified.error();
    }
    return Errc::unknown_signer;
}

}  // namespace melder
