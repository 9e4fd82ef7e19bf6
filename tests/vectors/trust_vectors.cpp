#include "core/credential.hpp"
#include "core/statement.hpp"
#include "proto/trust.pb.h"
#include "tests/core/police_force.hpp"
#include "tests/vectors/vectors.hpp"

namespace melder::vectors {

namespace {

Ed25519Seed given_seed(Pen& pen, std::string_view name) {
    return Ed25519Seed::from(pen.given_random(name, 32)).value();
}

/// A signed document of one signature, whole.
SignedBytes write_signed(Pen& pen, std::string_view name, Bytes body, Context context, const Ed25519Seed& signer) {
    SignedBytes document{std::move(body), {}};
    sign(document, context, signer);
    pen.equals(std::string(name) + "_sha256", document.body_hash().view());
    pen.equals(std::string(name) + "_signed", document.encode());
    return document;
}

void write_root_sets(Pen& pen, const Ed25519Seed& root, Trusted& trusted) {
    const testing::PoliceForce force;
    const RootSet chosen{1, 1, {ed25519_public_of(root), ed25519_public_of(force.reserve_root)}, std::nullopt};
    const auto body = pen.given("root_set", chosen.encode());
    trusted.roots = RootSet::parse(body).value();
    pen.require(equal(trusted.roots->encode(), body), "the root set is encoded the same way");
    RootSet next = chosen;
    next.version = 2;
    next.previous = sha256(BytesView(body));
    const auto next_body = pen.given("successor", next.encode());
    const auto successor = write_signed(pen, "successor", next_body, Context::root_set, root);
    pen.require(trusted.roots->verify_successor(successor).has_value(), "the successor follows");
}

void write_trust_list(Pen& pen, const Ed25519Seed& root, const Ed25519Seed& administrator,
                      const Ed25519Seed& statements, Trusted& trusted) {
    testing::PoliceForce force;
    auto fields = force.fields();
    fields.admin_keys = {{ed25519_public_of(administrator), fields.admin_keys.front().rights, KeyState::active, 0},
                         {ed25519_public_of(force.clerk), {Right::directory}, KeyState::retired, 7}};
    fields.statement_keys = {ed25519_public_of(statements)};
    const auto body = pen.given("trust_list", TrustList::encode(fields).value());
    const auto document = write_signed(pen, "trust_list", body, Context::trust_list, root);
    trusted.list = TrustList::verify(document, *trusted.roots).value();
    pen.require(equal(TrustList::encode(trusted.list->fields()).value(), body), "the list is encoded the same way");
}

void write_credential(Pen& pen, const Ed25519Seed& administrator, const Ed25519Seed& statements, Trusted& trusted) {
    const auto enrolment = given_seed(pen, "enrolment_seed");
    testing::PoliceForce force;
    const auto grant_body = pen.given("grant", force.grant_for(enrolment).encode().value());
    const auto grant = Grant::parse(grant_body).value();
    pen.require(equal(grant.encode().value(), grant_body), "the grant is encoded the same way");
    const auto signed_grant = write_signed(pen, "grant", grant_body, Context::grant, administrator);
    pen.require(verify_grant(signed_grant, *trusted.list, nullptr).has_value(), "the grant verifies");

    trusted.sender_identity = pen.given_random("identity_private_key", 32);
    const auto identity = X25519Private::from(trusted.sender_identity).value();
    const auto login = P256Private::from(pen.given_random("login_private_key", 32)).value();
    const Binding binding{grant.enrolment_id, x25519_public_of(identity), p256_public_of(login).value(),
                          static_cast<std::uint32_t>(pen.given_number("registration_id", 77))};
    FixedRandom nonce(pen.given_random("xeddsa_random", 64));
    const auto signed_binding = sign_binding(binding, enrolment, identity, nonce);
    pen.equals("binding", signed_binding.body);
    pen.equals("enrolment_signature", signed_binding.enrolment_signature);
    pen.equals("identity_signature", signed_binding.identity_signature);
    pen.require(verify_binding(signed_binding, grant.enrolment_key).has_value(), "the binding verifies");

    const auto bound_at =
        UnixTime::from_seconds(static_cast<std::int64_t>(pen.given_number("bound_at_s", 1'800'000'060)));
    const auto date =
        date_binding(signed_grant.body_hash(), sha256(BytesView(signed_binding.body)), bound_at, statements);
    pen.equals("date_signed", date.encode());

    wire::Credential credential;
    *credential.mutable_grant() = signed_grant.to_wire();
    credential.mutable_binding()->set_body(to_string(signed_binding.body));
    credential.mutable_binding()->set_enrolment_signature(to_string(signed_binding.enrolment_signature));
    credential.mutable_binding()->set_identity_signature(to_string(signed_binding.identity_signature));
    *credential.mutable_date() = date.to_wire();
    const auto encoded = credential.SerializeAsString();
    trusted.credential = to_bytes(view(encoded));
    pen.equals("credential", trusted.credential);
    const auto verified = Credential::verify(BytesView(trusted.credential), *trusted.list).value();
    pen.equals("credential_sha256", verified.hash().view());
}

void write_statement(Pen& pen, const Ed25519Seed& statements, Trusted& trusted) {
    Statement statement;
    statement.time = {1'800'000'120'500};
    statement.trust_list_version = 1;
    statement.log_size = 3;
    statement.log_head = sha256(view("head"));
    statement.client_nonce = to_array<16>(pen.given_random("nonce", 16)).value();
    statement.store_epoch = StoreEpoch::from(pen.given_random("store_epoch", 16)).value();
    const auto body = pen.given("statement", statement.encode());
    const auto document = write_signed(pen, "statement", body, Context::statement, statements);
    const auto read = Statement::verify(document, *trusted.list).value();
    pen.require(equal(read.encode(), body), "the statement is encoded the same way");
    pen.require(read.client_nonce == statement.client_nonce && read.store_epoch == statement.store_epoch,
                "nonce and epoch stand in the statement");
    trusted.statement = document.encode();
}

}  // namespace

void write_trust(Pen& pen, Trusted& trusted) {
    pen.begin("trust");
    const auto root = given_seed(pen, "root_seed");
    trusted.administrator_seed = pen.given_random("administrator_seed", 32);
    const auto administrator = Ed25519Seed::from(trusted.administrator_seed).value();
    const auto statements = given_seed(pen, "statement_seed");
    write_root_sets(pen, root, trusted);
    write_trust_list(pen, root, administrator, statements, trusted);
    write_credential(pen, administrator, statements, trusted);
    write_statement(pen, statements, trusted);
    // The keys the documents name must be those of the seeds above: the signatures would not verify otherwise.
    pen.require(trusted.list->verify_by_statement_key(SignedBytes::parse(trusted.statement).value(), Context::statement)
                    .has_value(),
                "the statement verifies");
}

void write_order_log(Pen& pen, const Trusted& trusted) {
    pen.begin("order log");
    const auto administrator = Ed25519Seed::from(trusted.administrator_seed).value();
    const auto device = Credential::verify(BytesView(trusted.credential), *trusted.list).value().device();
    wire::LogEntry change;
    change.set_time_s(pen.given_number("time_0_s", 1'800'000'000));
    change.mutable_trust_list()->set_version(trusted.list->version());
    change.mutable_trust_list()->set_sha256(trusted.list->hash().string());

    Order order;
    order.target = device;
    order.issued_at = {1'800'000'300'000};
    order.reason = sha256(view("sixteen bytes of salt, then the reason"));
    const auto order_body = pen.given("order", order.encode());
    pen.require(equal(Order::parse(order_body).value().encode(), order_body), "the order is encoded the same way");
    wire::LogEntry revoke;
    revoke.set_index(1);
    revoke.set_time_s(pen.given_number("time_1_s", 1'800'000'301));
    *revoke.mutable_order() = write_signed(pen, "order", order_body, Context::order, administrator).to_wire();

    OrderBook book;
    Hash head;
    pen.equals("head_0", head.view());
    int number = 0;
    for (const auto& entry : {change.SerializeAsString(), revoke.SerializeAsString()}) {
        pen.equals("entry_" + std::to_string(number), view(entry));
        head = sha256({view("Melder/log/1"), Bytes{0}, head.view(), view(entry)});
        pen.equals("head_" + std::to_string(++number), head.view());
        pen.require(book.apply(view(entry), *trusted.list).has_value(), "the entry is accepted");
        pen.require(book.head() == head, "the library chains alike");
    }
    pen.require(book.standing(device) == DeviceStanding::revoked, "the device is revoked");
}

}  // namespace melder::vectors
