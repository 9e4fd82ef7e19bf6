#include "apps/melder-admin/sign_request.hpp"

#include <algorithm>

#include "apps/melder-admin/words.hpp"
#include "core/text.hpp"

namespace melder::admin {
namespace {

constexpr std::string_view first_line = "melder-sign-request 1";
constexpr std::size_t text_longest = 1024;

Error at_line(std::size_t number, std::string_view why) {
    return {Errc::malformed, "line " + std::to_string(number) + ": " + std::string(why)};
}

Result<SignItem> parse_document(Context context, std::string_view hex) {
    SignItem item;
    item.context = context;
    MELDER_TRY(const auto bytes, from_hex(hex));
    MELDER_TRY(item.document, SignedBytes::parse(bytes));
    if (context == Context::order) {
        MELDER_CHECK(Order::parse(item.document.body));
    } else {
        MELDER_CHECK(Grant::parse(item.document.body));
    }
    return item;
}

Result<void> parse_import_line(std::string_view name, std::string_view rest, std::size_t number, SignRequest& out) {
    const auto bytes = from_hex(rest);
    if (name == "import") {
        if (out.import || bytes.has_error() || bytes->size() != Hash::size_bytes)
            return at_line(number, "one import names its directory by 64 hex digits");
        MELDER_TRY(out.import.emplace().planned_against, Hash::from(*bytes));
        return ok();
    }
    wire::StageDirectory part;
    if (!out.import || bytes.has_error() || !part.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) ||
        part.orders_size() + part.grants_size() > 0 || !part.import_id().empty()) {
        return at_line(number, "this is no part of an import");
    }
    out.import->parts.push_back(std::move(part));
    return ok();
}

Result<void> parse_line(std::string_view name, std::string_view rest, std::size_t number, SignRequest& out) {
    if (name == "order" || name == "grant") {
        auto item = parse_document(name == "order" ? Context::order : Context::grant, rest);
        if (item.has_error()) return at_line(number, "this is no signed " + std::string(name));
        out.items.push_back(std::move(*item));
        return ok();
    }
    if ((name == "import" || name == "part") && out.items.empty()) return parse_import_line(name, rest, number, out);
    if (out.items.empty()) return at_line(number, "expected an order or a grant first");
    auto& item = out.items.back();
    if (name == "salt") {
        const auto bytes = from_hex(rest);
        const auto salt = bytes.has_value() ? to_array<16>(*bytes) : Errc::malformed;
        if (salt.has_error()) return at_line(number, "a salt has 32 hex digits");
        item.reason_salt = *salt;
        return ok();
    }
    if (name != "reason" && name != "about") return at_line(number, "expected order, grant, salt, reason or about");
    if (rest.size() > text_longest || !is_one_line_of_text(rest))
        return at_line(number, "a text has at most 1 KiB on one line");
    (name == "reason" ? item.reason : item.about) = rest;
    return ok();
}

void describe_grant(const Grant& grant, std::vector<std::string>& out) {
    out.push_back("for " + grant.display_name + ", service number " + grant.service_number + ", unit " +
                  grant.unit.string() + ", " + roles_text(grant.roles));
    std::string line = "device " + grant.enrolment_id.hex() + ", version " + std::to_string(grant.version) +
                       ", valid until " + date_text(grant.not_after);
    if (grant.version == 1) line += ", code to be used by " + time_text(grant.bind_before);
    out.push_back(std::move(line));
    for (const auto& replaced : grant.replaces)
        out.push_back("replaces device " + replaced.hex() + ", which is out of service from then on");
}

std::string_view verb_of(OrderKind kind) {
    switch (kind) {
        case OrderKind::revoke:
            return "REVOKE for good";
        case OrderKind::restore:
            return "RESTORE";
        case OrderKind::suspend:
            return "SUSPEND";
        case OrderKind::supersede:
            return "CHANGE THE GRANT of";
        case OrderKind::wipe:
            return "WIPE";
        case OrderKind::appoint:
            return "APPOINT the leader";
    }
    return "do something unknown to";
}

}  // namespace

std::string SignRequest::encode() const {
    std::string text = std::string(first_line) + "\n";
    if (import) {
        text += "import " + import->planned_against.hex() + "\n";
        for (const auto& part : import->parts)
            text += "part " + to_hex(view(part.SerializeAsString())) + "\n";
    }
    for (const auto& item : items) {
        text += (item.context == Context::order ? "order " : "grant ") + to_hex(item.document.encode()) + "\n";
        if (!item.reason.empty()) text += "salt " + to_hex(item.reason_salt) + "\nreason " + item.reason + "\n";
        if (!item.about.empty()) text += "about " + item.about + "\n";
    }
    return text;
}

Result<SignRequest> SignRequest::parse(std::string_view text) {
    SignRequest out;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (number == 1) {
            if (line != first_line) return Error(Errc::malformed, "this is no file of --sign-request");
            continue;
        }
        const auto space = line.find(' ');
        if (space == std::string_view::npos) return at_line(number, "expected order, grant, salt, reason or about");
        MELDER_CHECK(parse_line(line.substr(0, space), line.substr(space + 1), number, out));
    }
    if (out.items.empty()) return Error(Errc::malformed, "there is nothing to sign in this file");
    return out;
}

Result<std::vector<std::string>> words_of(const SignItem& item) {
    std::vector<std::string> out;
    if (item.context == Context::grant) {
        MELDER_TRY(const auto grant, Grant::parse(item.document.body));
        out.emplace_back(grant.version == 1 ? "GRANT a new device" : "GRANT a new version for a device");
        describe_grant(grant, out);
    } else {
        MELDER_TRY(const auto order, Order::parse(item.document.body));
        out.push_back(std::string(verb_of(order.kind)) + " device " + order.target.hex());
        if (order.kind == OrderKind::supersede) {
            MELDER_TRY(const auto embedded, SignedBytes::parse(order.detail));
            MELDER_TRY(const auto grant, Grant::parse(embedded.body));
            if (grant.enrolment_id != order.target)
                return Error(Errc::malformed, "the grant in the order is another device's; do not sign this");
            describe_grant(grant, out);
        }
        if (item.reason.empty()) {
            out.emplace_back("no reason is given");
        } else if (sha256({item.reason_salt, view(item.reason)}) == order.reason) {
            out.push_back("reason: " + item.reason);
        } else {
            return Error(Errc::malformed, "the reason in the file is not the one in the order; do not sign this");
        }
        out.push_back("order " + std::to_string(order.counter) + " for this device, made " +
                      time_text(order.issued_at));
    }
    if (!item.about.empty()) out.push_back("the file says (nothing proves it): " + item.about);
    std::string signers = "signed so far by";
    for (const auto& signature : item.document.signatures)
        signers += " " + short_hex(signature.key_id.hex());
    out.push_back(item.document.signatures.empty() ? "signed by nobody so far" : signers);
    return out;
}

Result<void> add_signature(SignItem& item, const Ed25519Seed& key) {
    const auto id = key_id_of(ed25519_public_of(key));
    if (std::ranges::find(item.document.signatures, id, &SignedBytes::Signature::key_id) !=
        item.document.signatures.end()) {
        return Error(Errc::already_exists,
                     "your key has signed it already; the second signature comes from another administrator");
    }
    sign(item.document, item.context, key);
    return ok();
}

}  // namespace melder::admin
