#include "apps/melder-admin/documents.hpp"

#include <charconv>

namespace melder::admin {

Result<IssuedCode> issue_code(const GrantRequest& request, const Statement& at, const Ed25519Seed& key,
                              Random& random) {
    auto code = EnrolmentCode::generate(random, at.trust_list_version);
    MELDER_TRY(const auto seed, code.enrolment_seed(request.second_part));
    Grant grant;
    grant.enrolment_id = code.enrolment_id();
    grant.replaces = request.replaces;
    grant.bind_before = at.time + request.code_valid;
    grant.officer_id = request.officer;
    grant.display_name = request.display_name;
    grant.service_number = request.service_number;
    grant.unit = request.unit;
    grant.roles = request.roles;
    grant.enrolment_key = ed25519_public_of(seed);
    grant.not_before = UnixTime::from_seconds(at.time.seconds());
    grant.not_after = grant.not_before + request.grant_valid;
    grant.lowest_trust_list = at.trust_list_version;
    grant.log_size = at.log_size;
    grant.log_head = at.log_head;
    SignedBytes document;
    MELDER_TRY(document.body, grant.encode());
    sign(document, Context::grant, key);
    return IssuedCode{std::move(code), std::move(grant), std::move(document)};
}

SignedOrder sign_order(const OrderRequest& request, const std::vector<Ed25519Seed>& keys, Random& random) {
    SignedOrder out;
    random.fill(out.reason_salt);
    out.order.kind = request.kind;
    out.order.target = request.target;
    out.order.counter = request.previous_counter + 1;
    out.order.previous = request.previous;
    out.order.issued_at = UnixTime::from_seconds(request.now.seconds());
    out.order.detail = request.detail;
    out.order.reason = sha256({out.reason_salt, view(request.reason)});
    out.document.body = out.order.encode();
    for (const auto& key : keys)
        sign(out.document, Context::order, key);
    return out;
}

Result<Millis> parse_duration(std::string_view text) {
    const Error wrong(Errc::bad_argument, "a duration is a number with its unit, such as 90s, 10m, 24h or 30d");
    if (text.size() < 2) return wrong;
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size() - 1;
    const auto parsed = std::from_chars(text.data(), end, number);
    constexpr std::int64_t most = 10'000'000;
    if (parsed.ec != std::errc() || parsed.ptr != end || number <= 0 || number > most) return wrong;
    switch (text.back()) {
        case 's':
            return Millis(std::chrono::seconds(number));
        case 'm':
            return Millis(std::chrono::minutes(number));
        case 'h':
            return Millis(std::chrono::hours(number));
        case 'd':
            return Millis(std::chrono::hours(24 * number));
        default:
            return wrong;
    }
}

}  // namespace melder::admin
