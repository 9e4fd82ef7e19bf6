// Signed documents. Where a signature would stop every changed byte, the harness signs what the fuzzer made, as an
// administrator who went mad would.

#include "core/credential.hpp"
#include "core/enrolment_code.hpp"
#include "core/limits.hpp"
#include "core/order_log.hpp"
#include "core/setup_request.hpp"
#include "core/statement.hpp"
#include "tests/core/police_force.hpp"
#include "tests/fuzz/targets.hpp"

namespace melder::fuzz {

namespace {

testing::PoliceForce& force() {
    static testing::PoliceForce one;
    return one;
}
testing::PoliceForce::Phone& phone() {
    static auto one = force().phone();
    return one;
}

SignedBytes document(BytesView body, Context context, const Ed25519Seed& seed) {
    SignedBytes made{to_bytes(body), {}};
    sign(made, context, seed);
    return made;
}

}  // namespace

void trust_documents(BytesView input) {
    const auto [what, rest] = chosen(input, 5);
    if (what == 0) {
        const auto roots = RootSet::parse(rest);
        if (roots.has_error()) return;
        require(roots->threshold >= 1 && roots->threshold <= roots->keys.size());
        require(RootSet::parse(roots->encode()).has_value());
    } else if (what == 1 && !rest.empty()) {
        const auto list = TrustList::verify(document(rest, Context::trust_list, force().root), force().roots);
        if (list.has_error()) return;
        require(TrustList::encode(list->fields()).has_value());
        (void)list->may_follow(force().trust);
    } else if (what == 2) {
        const auto read = SignedBytes::parse(rest);
        if (read.has_error()) return;
        require(!read->body.empty() && read->signatures.size() <= limits::signatures_per_document);
        (void)TrustList::verify(*read, force().roots);
    } else if (what == 3) {
        const auto request = SetupRequest::parse(as_chars(rest));
        if (request.has_value()) require(SetupRequest::parse(request->encode()).has_value());
    } else if (what == 4 && !rest.empty()) {
        const auto statement = Statement::verify(document(rest, Context::statement, force().statements), force().trust);
        if (statement.has_value()) require(Statement::parse(statement->encode()).has_value());
    }
}

void credential(BytesView input) {
    const auto [what, rest] = chosen(input, 5);
    if (what == 0) {
        const auto grant = Grant::parse(rest);
        if (grant.has_error()) return;
        const auto encoded = grant->encode();
        require(encoded.has_value() && Grant::parse(*encoded).has_value());
    } else if (what == 1) {
        const auto binding = Binding::parse(rest);
        if (binding.has_value()) require(equal(Binding::parse(binding->encode()).value().encode(), binding->encode()));
    } else if (what == 2) {
        const auto verified = Credential::verify(rest, force().trust);
        if (verified.has_value()) require(verified->encoded().size() <= limits::credential_bytes);
    } else if (what == 3 && !rest.empty()) {
        const auto grant = document(rest, Context::grant, force().chief);
        (void)verify_grant(grant, force().trust, nullptr);
        (void)verify_grant(grant, force().trust, &phone().grant);
    } else if (what == 4) {
        // A date over a binding that the fuzzer changed: every part is signed as it should be but the binding itself.
        auto message = phone().credential();
        auto& binding = *message.mutable_binding();
        const auto input_signed = signing_input(Context::binding, rest);
        binding.set_body(to_string(rest));
        binding.set_enrolment_signature(to_string(sign_ed25519(phone().enrolment, input_signed)));
        binding.set_identity_signature(
            to_string(sign_xeddsa(phone().identity.private_key, input_signed, force().random)));
        const auto& grant = phone().signed_grant;
        *message.mutable_date() =
            date_binding(grant.body_hash(), sha256(rest), force().now, force().statements).to_wire();
        const auto text = message.SerializeAsString();
        const auto verified = Credential::verify(view(text), force().trust);
        if (verified.has_value()) require(verified->device() == phone().grant.enrolment_id);
    }
}

void order_log(BytesView input) {
    const auto [what, rest] = chosen(input, 4);
    if (what == 0) {
        const auto order = Order::parse(rest);
        if (order.has_value()) require(Order::parse(order->encode()).has_value());
    } else if (what == 1) {
        const auto book = OrderBook::decode(rest);
        if (book.has_value()) require(OrderBook::decode(book->encode()).has_value());
    } else if (what == 2) {
        OrderBook book;
        const auto applied = book.apply(rest, force().trust);
        require(book.size() == (applied.has_value() ? 1U : 0U));
        require(book.head() == (applied.has_value() ? next_head({}, rest) : Hash{}));
    } else if (what == 3 && !rest.empty()) {  // any order, signed by every right there is
        auto order = document(rest, Context::order, force().chief);
        sign(order, Context::order, force().deputy);
        OrderBook book;
        const auto entry = force().entry(0, order);
        const auto checked = book.check_order(order, force().trust);
        const auto applied = book.apply(entry, force().trust);
        require(entry.size() > limits::log_entry_bytes || checked.has_value() == applied.has_value());
        require(OrderBook::decode(book.encode()).value().head() == book.head());
    }
}

void enrolment_code(BytesView input) {
    const auto code = EnrolmentCode::parse(as_chars(input));
    if (code.has_error()) return;
    const auto text = code->text();
    const auto again = EnrolmentCode::parse(as_chars(text.expose()));
    require(again.has_value() && again->enrolment_id() == code->enrolment_id());
    require(again->lowest_trust_list() == code->lowest_trust_list());
    require(equal(again->text().expose(), text.expose()));
}

}  // namespace melder::fuzz
